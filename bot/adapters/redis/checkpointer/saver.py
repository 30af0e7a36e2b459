"""RedisSaver: LangGraph checkpoints in any Redis or Valkey, without modules, fenced by the epoch of a lease."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from random import getrandbits
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    get_checkpoint_id,
    get_serializable_checkpoint_metadata,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.types import INTERRUPT
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from bot.adapters.redis.checkpointer import scripts
from bot.adapters.redis.checkpointer.async_only import AsyncOnlySaver
from bot.adapters.redis.checkpointer.cipher import sealing
from bot.adapters.redis.checkpointer.codec import Codec
from bot.adapters.redis.checkpointer.copying import resealed
from bot.adapters.redis.checkpointer.draft import Draft, SentLists
from bot.adapters.redis.checkpointer.errors import FencedError, outages
from bot.adapters.redis.checkpointer.header import Header, references_of, unseeded_of, without_values
from bot.adapters.redis.checkpointer.layout import (
    CHECKPOINT,
    HEADER,
    ThreadKeys,
    all_indexes,
    bounds,
    part,
    place,
    thread_of,
    write_name,
)
from bot.adapters.redis.checkpointer.reading import checkpoint_tuple, config_of, delta_history, given
from bot.adapters.redis.checkpointer.strict import StrictSerializer
from core.errors import CorruptCheckpointError, TransientError

FENCING_EPOCH = "__fencing_epoch"
"""Where a run's `configurable` says under which epoch it holds the thread: an int that rises with each holder."""

_FIXED, _SIZE = struct.Struct(">QQIIII"), struct.Struct(">I")
_PAGE = 8
_ATTEMPTS = 4


class RedisSaver(AsyncOnlySaver):
    """Keeps checkpoints in Redis or Valkey 6.2 and later: a single server, Sentinel or a cluster; core commands only.

    `client` is redis.asyncio's Redis or RedisCluster and must answer in bytes; who opened it closes it. All of a thread
    lies under two keys that expire together: `ttl` after its last write, or `ttl_interrupted` while an interrupt is
    open (`ttl` when None). `keep_last` is how many checkpoints of each namespace stay (all when None); older ones that
    an open interrupt or a DeltaChannel rests on stay as well. `encryption_key` is 32 bytes; with it, what is stored is
    encrypted and bound to its place, and anything else is refused. `serde` is StrictSerializer unless given. One call
    takes `answer_within` at most, with all that the client tries again (as long as the client likes when None).

    Every operation is one script call, happens wholly or not at all, and may be repeated. It raises TransientError when
    Redis cannot be asked, never an empty answer; CorruptCheckpointError when what is stored cannot be trusted.

    With an int under `configurable["__fencing_epoch"]` (see FENCING_EPOCH), reading and writing raise FencedError once
    the thread was touched under a higher one. Without one, writing is refused as soon as any epoch is known of the
    thread, and reading never is. Deleting, pruning and copying are not fenced: they are an operator's. A deleted thread
    keeps its fence until `ttl` has passed.
    """

    def __init__(
        self,
        client: Redis | RedisCluster,
        *,
        prefix: str = "watchkeeper:graph",
        ttl: timedelta,
        ttl_interrupted: timedelta | None = None,
        keep_last: int | None = None,
        serde: SerializerProtocol | None = None,
        encryption_key: bytes | None = None,
        answer_within: timedelta | None = None,
    ) -> None:
        super().__init__(serde=serde or StrictSerializer())
        if client.get_encoder().decode_responses:
            raise ValueError("the client must answer in bytes: open it without decode_responses")
        if "{" in prefix or "}" in prefix:
            raise ValueError("the prefix must not hold braces: they would choose the slot in a cluster")
        if keep_last is not None and keep_last < 1:
            raise ValueError("keep_last must be at least 1")
        self._client = client
        self._prefix = prefix
        self._keep_last = keep_last or 0
        self._lives = (_milliseconds(ttl), _milliseconds(max(ttl, ttl_interrupted or ttl)))
        self._patience = answer_within.total_seconds() if answer_within else None
        self._seal = sealing(encryption_key)
        self._sent = SentLists()

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Store a checkpoint, make it the latest if its id is the highest, and return the config that names it."""
        keys, codec = self._thread(config)
        namespace, checkpoint_id = _namespace(config), checkpoint["id"]
        where = place(namespace, checkpoint_id)
        names = references_of(checkpoint, part(namespace))
        header = Header(
            parent=get_checkpoint_id(config) or "",
            references=list(names.values()),
            unseeded=unseeded_of(checkpoint, metadata),
            body=[without_values(checkpoint), get_serializable_checkpoint_metadata(config, metadata)],
        )
        values = {name: checkpoint["channel_values"][channel] for channel, name in names.items()}
        draft = Draft(keys.data, values, codec, self._sent)
        for channel in new_versions.keys() & names.keys():
            draft.add(names[channel])
        named = _sized(part(namespace), part(checkpoint_id), part(header.parent))
        content = codec.header(where, header)
        for _ in range(_ATTEMPTS):
            counts, told = draft.arguments()
            fixed = _FIXED.pack(*self._lives, self._keep_last, len(header.unseeded), *counts) + named
            told = [fixed, *header.unseeded, *told, HEADER + where, content]
            reply = await self._fenced(scripts.PUT, config, keys, *told)
            if reply[0] == b"ok":
                draft.note_stored()
                return config_of(config, namespace, checkpoint_id)
            draft.add_missing(reply[1])
        raise TransientError("redis: parts of a checkpoint vanished as fast as they were sent")

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Store what a task wrote on top of a checkpoint, which need not be stored yet."""
        keys, codec = self._thread(config)
        namespace, checkpoint_id = _namespace(config), given(config)["checkpoint_id"]
        where = place(namespace, checkpoint_id)
        contents: list[bytes] = []
        for index, (channel, value) in enumerate(writes):
            name = write_name(where, task_path, task_id, WRITES_IDX_MAP.get(channel, index))
            contents += [name, codec.write(name, channel, value)]
        interrupted = b"1" if any(channel == INTERRUPT for channel, _ in writes) else b"0"
        fixed = [*self._lives, part(namespace), part(checkpoint_id), interrupted]
        await self._fenced(scripts.PUT_WRITES, config, keys, *fixed, *contents)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return the checkpoint that is named, or the latest, or None only when Redis says that there is none."""
        found = await self._read(config, bounds(_namespace(config), get_checkpoint_id(config), None), 1)
        return found[0] if found else None

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first: of a namespace, of a thread when none is given, of all without a config.

        `filter` is what their metadata must equal. They are read in pages: each is whole, all of them are no snapshot.
        """
        if limit is not None and limit <= 0:
            return
        left = limit or -1
        size = _PAGE if filter or left < 0 else min(_PAGE, left)
        async for asked in self._threads(config):
            async for each in self._pages(asked, before, size):
                if all(each.metadata.get(name) == wanted for name, wanted in (filter or {}).items()):
                    yield each
                    left -= 1
                    if left == 0:
                        return

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return, in one call, what each channel's value at a checkpoint has to be rebuilt from.

        CorruptCheckpointError when a checkpoint that it rests on is gone: a value rebuilt without it would be wrong."""
        if not channels:
            return {}
        keys, codec = self._thread(config)
        namespace, checkpoint_id = _namespace(config), get_checkpoint_id(config) or ""
        asked = [self._lives[0], part(namespace), part(checkpoint_id), *map(part, channels)]
        reply = await self._fenced(scripts.HISTORY, config, keys, *asked)
        if reply[0] == b"broken":
            raise CorruptCheckpointError("a checkpoint that a delta channel rests on is gone")
        return delta_history(codec, channels, reply)

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete all of a thread; only its fence, if it has one, stays until `ttl` has passed."""
        await self._call(scripts.DELETE, ThreadKeys.of(self._prefix, str(thread_id)), self._lives[0])

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Keep each namespace's latest checkpoint and what that rests on ("keep_latest"), or nothing ("delete")."""
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"the strategy must be keep_latest or delete, not {strategy!r}")
        for thread_id in thread_ids:
            if strategy == "delete":
                await self.adelete_thread(thread_id)
            else:
                await self._call(scripts.KEEP_LATEST, ThreadKeys.of(self._prefix, str(thread_id)))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints whose metadata name one of these runs, with their writes.

        Nothing is indexed by run, so this reads the headers of every thread there is."""
        if not run_ids:
            return
        async for config in self._threads(None):
            keys, codec = self._thread(config)
            _, names, stored = await self._call(scripts.HEADERS, keys)
            headers = zip(names, stored, strict=True)
            of_run = {name[1:]: codec.open_header(name[1:], raw).body[1].get("run_id") for name, raw in headers}
            if gone := [where for where, run_id in of_run.items() if run_id in run_ids]:
                await self._call(scripts.FORGET, keys, *gone)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Add all of a thread to another, which may be new; its fence stays behind."""
        source = self._thread({"configurable": {"thread_id": source_thread_id}})
        target = self._thread({"configurable": {"thread_id": target_thread_id}})
        _, flat, entries = await self._call(scripts.DUMP, source[0])
        fields = resealed(dict(zip(flat[::2], flat[1::2], strict=True)), source[1], target[1])
        if entries:
            contents = [piece for pair in fields.items() for piece in pair]
            await self._call(scripts.RESTORE, target[0], *self._lives, len(entries), *entries, *contents)

    def get_next_version(self, current: str | int | float | None, channel: None) -> str:
        """Return a version that sorts after `current`, and that no other branch of the thread gives."""
        number = int(str(current).partition(".")[0]) if current else 0
        return f"{number + 1:012}.{getrandbits(48):012x}"

    async def _threads(self, config: RunnableConfig | None) -> AsyncIterator[RunnableConfig]:
        if config is not None:
            yield config
            return
        with outages():
            # In a cluster a key is seen twice while its slot moves.
            found = {key async for key in self._client.scan_iter(match=all_indexes(self._prefix), count=1000)}
        for key in sorted(found):
            yield {"configurable": {"thread_id": thread_of(key, self._prefix)}}

    async def _pages(
        self, config: RunnableConfig, before: RunnableConfig | None, size: int
    ) -> AsyncIterator[CheckpointTuple]:
        only, end = get_checkpoint_id(config), get_checkpoint_id(before) if before else None
        lower, upper = bounds(given(config).get("checkpoint_ns"), only, end)
        while found := await self._read(config, (lower, upper), size):
            for each in found:
                checkpoint_id = each.checkpoint["id"]
                if (not only or checkpoint_id == only) and (not end or checkpoint_id < end):
                    yield each
            if len(found) < size:
                return
            last = given(found[-1].config)
            upper = b"(" + CHECKPOINT + place(last["checkpoint_ns"], last["checkpoint_id"])

    async def _read(self, config: RunnableConfig, between: tuple[bytes, bytes], most: int) -> list[CheckpointTuple]:
        keys, codec = self._thread(config)
        _, found, names, contents = await self._fenced(scripts.READ, config, keys, self._lives[0], *between, most)
        pieces = dict(zip(names, contents, strict=True))
        return [checkpoint_tuple(config, codec, each, pieces) for each in found]

    async def _fenced(
        self, script: scripts.Script, config: RunnableConfig, keys: ThreadKeys, *arguments: bytes | int
    ) -> Sequence[Any]:
        epoch = given(config).get(FENCING_EPOCH)
        reply = await self._call(script, keys, b"" if epoch is None else b"%d" % epoch, *arguments)
        if reply[0] == b"fenced":
            raise FencedError(str(given(config)["thread_id"]), epoch, reply[1])
        return reply

    async def _call(self, script: scripts.Script, keys: ThreadKeys, *arguments: bytes | int) -> Sequence[Any]:
        with outages():
            async with asyncio.timeout(self._patience):
                return await script(self._client, keys, *arguments)

    def _thread(self, config: RunnableConfig) -> tuple[ThreadKeys, Codec]:
        keys = ThreadKeys.of(self._prefix, str(given(config)["thread_id"]))
        return keys, Codec(self.serde, self._seal(keys.data))


def _namespace(config: RunnableConfig) -> str:
    return given(config).get("checkpoint_ns", "")


def _sized(*parts: bytes) -> bytes:
    return b"".join([_SIZE.pack(len(each)) + each for each in parts])


def _milliseconds(span: timedelta) -> int:
    return max(1, int(span.total_seconds() * 1000))
