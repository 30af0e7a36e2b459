"""Where a saver under test keeps its things: one server or a cluster, looked at from outside, aged, moved or killed."""

import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import RedisError

from bot.adapters.redis.connection import connect
from tests.fakes.waiting import wait_until

_CLUSTER = "redis+cluster://"


@dataclass(frozen=True)
class Ground:
    """One place to keep checkpoints in: `url` is what a saver is opened with, `nodes` reach every server behind it.

    `pids` are the servers that a probe may kill: those of a place that it has for itself."""

    url: str
    nodes: tuple[str, ...]
    pids: tuple[int, ...] = ()

    @property
    def clustered(self) -> bool:
        """Return whether a client has to know which server keeps which key."""
        return self.url.startswith(_CLUSTER)

    def client(self) -> Redis | RedisCluster:
        """Return a client of the whole place that answers in bytes."""
        if self.clustered:
            return RedisCluster.from_url(self.url.replace(_CLUSTER, "redis://"))
        return connect(self.url)

    async def empty(self) -> None:
        """Forget everything."""
        async for node in self._each():
            await node.flushall()

    async def left(self) -> dict[bytes, int]:
        """Return every key with the milliseconds it has left; -1 for a key that stays for ever."""
        found: dict[bytes, int] = {}
        async for node in self._each():
            for key in await node.keys():
                found[key] = await node.pttl(key)
        return found

    async def age(self, by: timedelta) -> None:
        """Let so much time pass for every key there is: it loses that much of its life, or goes."""
        passed = int(by.total_seconds() * 1000)
        async for node in self._each():
            for key in await node.keys():
                left = await node.pttl(key)
                if 0 <= left <= passed:
                    await node.delete(key)
                elif left > passed:
                    await node.pexpire(key, left - passed)

    async def text(self) -> bytes:
        """Return all that the servers hold, keys and values, one after another."""
        found: list[bytes] = []
        async for node in self._each():
            for key in await node.keys():
                found += [key, *await _held(node, key)]
        return b"\n".join(found)

    async def move(self, thread_id: str, to: str) -> None:
        """Give everything that is kept under one thread's name to another's, as who can write to the server could."""
        async with self.client() as client:
            async for node in self._each():
                for key in await node.keys():
                    if thread_id.encode() in key:
                        moved = key.replace(thread_id.encode(), to.encode())
                        await client.restore(moved, await node.pttl(key), await node.dump(key), replace=True)

    async def kill(self) -> None:
        """Kill the servers and return when nothing listens any more."""
        assert self.pids, "this place is shared"
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        for url in self.nodes:
            async with Redis.from_url(url, socket_timeout=1) as node:
                await wait_until(lambda node=node: _gone(node))

    async def _each(self) -> AsyncIterator[Redis]:
        for url in self.nodes:
            async with Redis.from_url(url) as node:
                yield node


async def _held(node: Redis, key: bytes) -> list[bytes]:
    # Not DUMP: that packs long values, and a text in them would be missed.
    kind = await node.type(key)
    if kind == b"hash":
        return [part for pair in (await node.hgetall(key)).items() for part in pair]
    if kind == b"zset":
        return await node.zrange(key, 0, -1)
    if kind == b"set":
        return list(await node.smembers(key))
    if kind == b"list":
        return await node.lrange(key, 0, -1)
    if kind == b"ReJSON-RL":
        return [await node.execute_command("JSON.GET", key)]
    return [await node.get(key) or b""]


async def _gone(node: Any) -> bool:
    try:
        await node.ping()
    except Unreachable:
        return True
    except RedisError:
        return False
    return False
