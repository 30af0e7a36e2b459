"""The savers that the probes are put to: ours, the published ones, and ours with one thing taken out of it."""

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from langgraph.checkpoint.base import WRITES_IDX_MAP, CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph_checkpoint_aws.checkpoint.valkey import AsyncValkeySaver
from langgraph_checkpoint_plainredis import AsyncRedisSaver as AsyncPlainRedisSaver
from valkey.asyncio.cluster import ValkeyCluster

from bot.adapters.redis.checkpointer import RedisSaver, open_saver
from tests.contracts.saver.grounds import Ground

DAY = timedelta(days=1)
TTL, TTL_INTERRUPTED = 7 * DAY, 28 * DAY
KEY = secrets.token_bytes(32)

Config = Any


class Opener(Protocol):
    """Opens a saver with connections of its own over a place, as a process that has just started would."""

    def __call__(self, ground: Ground, *, serde: Any = None) -> AbstractAsyncContextManager[Any]:
        """Yield the saver; `serde` in the place of its own serializer."""
        ...


@asynccontextmanager
async def ours(ground: Ground, *, serde: Any = None) -> AsyncIterator[RedisSaver]:
    """Yield our saver."""
    if serde is not None:
        async with _built(RedisSaver, ground, serde) as saver:
            yield saver
        return
    async with open_saver(ground.url, TTL, ttl_interrupted=TTL_INTERRUPTED) as saver:
        yield saver


@asynccontextmanager
async def ours_encrypted(ground: Ground, *, serde: Any = None) -> AsyncIterator[RedisSaver]:
    """Yield our saver with a key; it has a serializer of its own."""
    async with open_saver(ground.url, TTL, ttl_interrupted=TTL_INTERRUPTED, encryption_key=KEY) as saver:
        yield saver


@asynccontextmanager
async def valkey(ground: Ground, *, serde: Any = None) -> AsyncIterator[AsyncValkeySaver]:
    """Yield the published AsyncValkeySaver, as its own constructor opens it."""
    if ground.clustered:
        client = ValkeyCluster.from_url(ground.nodes[0].replace("redis://", "valkey://"))
        try:
            yield AsyncValkeySaver(client, ttl=TTL.total_seconds(), serde=serde)
        finally:
            await client.aclose()
        return
    opened = AsyncValkeySaver.from_conn_string(ground.url, ttl_seconds=TTL.total_seconds(), serde=serde)
    async with opened as saver:
        yield saver


@asynccontextmanager
async def plainredis(ground: Ground, *, serde: Any = None) -> AsyncIterator[AsyncPlainRedisSaver]:
    """Yield the published saver of langgraph-checkpoint-plainredis."""
    async with ground.client() as client:
        yield AsyncPlainRedisSaver(client, ttl=int(TTL.total_seconds()), serde=serde)


@asynccontextmanager
async def memory(ground: Ground, *, serde: Any = None) -> AsyncIterator[InMemorySaver]:
    """Yield a saver that dies with its process."""
    yield InMemorySaver(serde=serde)


class KeepsOldAnswers(RedisSaver):
    """Takes whatever was ever written in a thread for pending, as the shallow saver of langgraph-checkpoint-redis."""

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Return the checkpoint with the writes of all."""
        found = await super().aget_tuple(config)
        if found is None:
            return None
        place = {name: found.config["configurable"][name] for name in ("thread_id", "checkpoint_ns")}
        writes = [each async for old in super().alist({"configurable": place}) for each in old.pending_writes or ()]
        return found._replace(pending_writes=writes)


class ListsAllNamespaces(RedisSaver):
    """Takes the root namespace for none given, as AsyncRedisSaver of langgraph-checkpoint-redis."""

    async def alist(self, config: Config, **more: Any) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints of the whole thread."""
        asked = {name: value for name, value in config["configurable"].items() if value}
        async for each in super().alist({"configurable": asked}, **more):
            yield each


class MixesTasks(RedisSaver):
    """Forgets which task a write is of."""

    async def aput_writes(
        self, config: Config, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Write them as one task's."""
        await super().aput_writes(config, writes, "same", "")


class RootOnly(RedisSaver):
    """Knows nothing of graphs within graphs."""

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Return what the root has."""
        return None if config["configurable"].get("checkpoint_ns") else await super().aget_tuple(config)


class DropsFinished(RedisSaver):
    """Keeps no result of a node before its whole step is done."""

    async def aput_writes(
        self, config: Config, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Write what is not a result."""
        kept = [each for each in writes if each[0] in WRITES_IDX_MAP]
        await super().aput_writes(config, kept, task_id, task_path)


class AsText(SerializerProtocol):
    """Stores a serializer's bytes as text, as langgraph-checkpoint-redis does."""

    def __init__(self, inner: SerializerProtocol) -> None:
        self._inner = inner

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return what can be told as text."""
        kind, data = self._inner.dumps_typed(obj)
        return kind, data.decode().encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return the value."""
        return self._inner.loads_typed(data)


class AsJson(SerializerProtocol):
    """Stores values as plain JSON, which knows few types."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return JSON."""
        return "json", json.dumps(obj, default=str).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return what JSON can say."""
        return json.loads(data[1])


class Aes:
    """AES-GCM that binds nothing: what is encrypted for one place can be read in any."""

    def encrypt(self, plaintext: bytes) -> tuple[str, bytes]:
        """Return the cipher's name, and nonce and ciphertext."""
        nonce = secrets.token_bytes(12)
        return "aesgcm", nonce + AESGCM(KEY).encrypt(nonce, plaintext, None)

    def decrypt(self, ciphername: str, ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        return AESGCM(KEY).decrypt(ciphertext[:12], ciphertext[12:], None)


@asynccontextmanager
async def _built(made: type[RedisSaver], ground: Ground, serde: Any = None) -> AsyncIterator[RedisSaver]:
    async with ground.client() as client:
        yield made(client, ttl=TTL, ttl_interrupted=TTL_INTERRUPTED, serde=serde)


@asynccontextmanager
async def _through(wrapped: Any, ground: Ground, *, serde: Any = None) -> AsyncIterator[RedisSaver]:
    async with _built(RedisSaver, ground, wrapped(serde)) as saver:
        yield saver


@asynccontextmanager
async def _broken(made: type[RedisSaver], ground: Ground, *, serde: Any = None) -> AsyncIterator[RedisSaver]:
    async with _built(made, ground, serde) as saver:
        yield saver


def _json(_: Any) -> AsJson:
    return AsJson()


keeps_old_answers: Opener = partial(_broken, KeepsOldAnswers)
lists_all_namespaces: Opener = partial(_broken, ListsAllNamespaces)
mixes_tasks: Opener = partial(_broken, MixesTasks)
root_only: Opener = partial(_broken, RootOnly)
drops_finished: Opener = partial(_broken, DropsFinished)
as_text: Opener = partial(_through, AsText)
as_json: Opener = partial(_through, _json)
