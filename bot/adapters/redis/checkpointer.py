"""The saver that graphs are compiled with, without the traps of the one it builds on.

Strict msgpack: the serializer made here revives no type outside langgraph's own safe list, whatever the environment
says. With LANGGRAPH_STRICT_MSGPACK=true in the environment before langgraph is imported (start the worker with it),
`compile()` adds the types that a graph's state declares, and the library's other serializers are strict too.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_id,
)
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph_checkpoint_aws.checkpoint.valkey import AsyncValkeySaver
from valkey.asyncio import BlockingConnectionPool, Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import ExponentialBackoff
from valkey.exceptions import ValkeyError

from bot.adapters.redis import keys
from core.errors import TransientError

_POOL = 64

Config = Any
"""A run's configuration (langchain's RunnableConfig), of which only `configurable` is looked at."""


class StrictValkeySaver(AsyncValkeySaver):
    """AsyncValkeySaver that never takes an outage for an empty thread, and deletes all of a thread and nothing else."""

    def _make_checkpoint_key(self, thread_id: str, checkpoint_ns: str, checkpoint_id: str) -> str:
        return keys.checkpoint(thread_id, checkpoint_ns, checkpoint_id)

    def _make_writes_key(self, thread_id: str, checkpoint_ns: str, checkpoint_id: str) -> str:
        return keys.writes(thread_id, checkpoint_ns, checkpoint_id)

    def _make_thread_key(self, thread_id: str, checkpoint_ns: str) -> str:
        return keys.thread(thread_id, checkpoint_ns)

    async def aget_tuple(self, config: Config) -> CheckpointTuple | None:
        """Return the checkpoint, or None only when Redis says itself that there is none; else TransientError."""
        found = await super().aget_tuple(config)
        # The library answers None to errors as well, and a graph takes None for a thread that starts from nothing.
        if found is None and await self._exists(config):
            raise TransientError("redis: a checkpoint exists and could not be read")
        return found

    async def alist(
        self,
        config: Config | None,
        *,
        filter: dict[str, Any] | None = None,
        before: Config | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield a thread's checkpoints, newest first; TransientError when Redis cannot be reached at either end."""
        await self._ask("ping")
        async for each in super().alist(config, filter=filter, before=before, limit=limit):
            yield each
        await self._ask("ping")

    async def aput(
        self,
        config: Config,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> Config:
        """Write a checkpoint; TransientError when it is not known to be written."""
        try:
            return await super().aput(config, checkpoint, metadata, new_versions)
        except (ValkeyError, OSError) as error:
            raise _outage(error) from error

    async def aput_writes(
        self, config: Config, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Write what a node gave; TransientError when it is not known to be written."""
        try:
            await super().aput_writes(config, writes, task_id, task_path)
        except (ValkeyError, OSError) as error:
            raise _outage(error) from error

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete every key of the thread, in all namespaces; TransientError on an outage."""
        pattern = keys.thread_namespaces(thread_id)
        try:
            lists = [key.decode() async for key in self.client.scan_iter(match=pattern, count=1000)]
            for listed in lists:
                ids = [each.decode() for each in await self.client.lrange(listed, 0, -1)]
                await self.client.unlink(listed, *keys.of_checkpoints(listed, ids))
        except (ValkeyError, OSError) as error:
            raise _outage(error) from error

    async def _exists(self, config: Config) -> bool:
        given = config.get("configurable", {})
        thread_id, namespace = str(given["thread_id"]), given.get("checkpoint_ns", "")
        checkpoint_id = get_checkpoint_id(config)
        key = (
            keys.checkpoint(thread_id, namespace, checkpoint_id) if checkpoint_id else keys.thread(thread_id, namespace)
        )
        return bool(await self._ask("exists", key))

    async def _ask(self, command: str, *args: str) -> Any:
        try:
            return await self.client.execute_command(command.upper(), *args)
        except (ValkeyError, OSError) as error:
            raise _outage(error) from error


@asynccontextmanager
async def open_saver(url: str, ttl: timedelta) -> AsyncIterator[StrictValkeySaver]:
    """Yield the saver for `redis://`, `rediss://` or `unix://`; a thread is forgotten `ttl` after its last checkpoint.

    Choose `ttl` longer than the longest decide-by clock, or a graph forgets what it waits for."""
    # Blocking, as the library's own pool of ten raises when a graph writes from eleven nodes at once.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_POOL,
        timeout=5,
        socket_timeout=10,
        socket_connect_timeout=2,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 2),
        client_name="watchkeeper-graphs",
    )
    client = Valkey(connection_pool=pool)
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    try:
        yield StrictValkeySaver(client, ttl=ttl.total_seconds(), serde=serde)
    finally:
        await client.aclose()
        await pool.aclose()


def _outage(error: Exception) -> TransientError:
    return TransientError(f"redis: {type(error).__name__}: {error}")
