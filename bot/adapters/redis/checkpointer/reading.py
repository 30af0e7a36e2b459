"""From the replies of the scripts to what LangGraph is given."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, DeltaChannelHistory, PendingWrite

from bot.adapters.redis.checkpointer.codec import Codec, Stored
from bot.adapters.redis.checkpointer.layout import SEPARATOR, channel_of, task_of, text
from core.errors import CorruptCheckpointError

Pieces = Mapping[bytes, Stored]
"""Elements of lists by their names."""


def given(config: RunnableConfig) -> dict[str, Any]:
    """Return what a config says of the thread; KeyError when it says nothing."""
    return config["configurable"]  # pyright: ignore[reportTypedDictNotRequiredAccess]


def config_of(config: RunnableConfig, namespace: str, checkpoint_id: str) -> RunnableConfig:
    """Return the config that names one checkpoint of the thread that another config names."""
    place = {"thread_id": given(config)["thread_id"], "checkpoint_ns": namespace, "checkpoint_id": checkpoint_id}
    return {"configurable": place}


def checkpoint_tuple(config: RunnableConfig, codec: Codec, found: Sequence[Any], pieces: Pieces) -> CheckpointTuple:
    """Return one checkpoint of a READ reply; CorruptCheckpointError when any part of it is not what was written."""
    entry, raw, contents, write_names, writes = found
    where: bytes = entry[1:]
    namespace = where[: where.index(SEPARATOR)]
    with _believing():
        header = codec.open_header(where, raw)
        checkpoint, metadata = header.body
        named = zip(header.references, contents, strict=True)
        values = {channel_of(name): codec.open_value(name, stored, pieces) for name, stored in named}
        return CheckpointTuple(
            config=config_of(config, text(namespace), checkpoint["id"]),
            checkpoint=cast(Checkpoint, checkpoint | {"channel_values": values}),
            metadata=metadata,
            parent_config=config_of(config, text(namespace), header.parent) if header.parent else None,
            pending_writes=[
                (task_of(name), *codec.open_write(name, stored))
                for name, stored in zip(write_names, writes, strict=True)
            ],
        )


def delta_history(codec: Codec, channels: Sequence[str], reply: Sequence[Any]) -> dict[str, DeltaChannelHistory]:
    """Return what a HISTORY reply says of each channel; its steps go from the nearest ancestor up."""
    writes: dict[str, list[PendingWrite]] = {channel: [] for channel in channels}
    seeds: dict[str, Any] = {}
    with _believing():
        pieces: Pieces = dict(zip(reply[2], reply[3], strict=True))
        for where, raw, seed_names, contents, write_names, stored in reply[1]:
            codec.open_header(where, raw)  # the script has followed what it vouches for
            for name, content in reversed(list(zip(write_names, stored, strict=True))):
                channel, plain = codec.peek_write(name, content)
                if channel in writes and channel not in seeds:
                    writes[channel].append((task_of(name), channel, codec.load(plain)))
            for name, content in zip(seed_names, contents, strict=True):
                seeds[channel_of(name)] = codec.open_value(name, content, pieces)
    found: dict[str, DeltaChannelHistory] = {channel: {"writes": writes[channel][::-1]} for channel in channels}
    for channel, seed in seeds.items():
        found[channel]["seed"] = seed
    return found


@contextmanager
def _believing() -> Iterator[None]:
    # Without a key, who can write to Redis can forge a checksum: what then decodes may have any form.
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise CorruptCheckpointError(f"a checkpoint is not one: {type(error).__name__}: {error}") from error
