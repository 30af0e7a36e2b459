"""How a saver is opened from an address: one server, a cluster, or whatever the Sentinels call the master."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialWithJitterBackoff

from bot.adapters.redis.checkpointer.saver import RedisSaver

_PATIENCE = timedelta(seconds=10)
_CLUSTER, _SENTINEL = "redis+cluster://", "redis+sentinel://"
_SENTINEL_PORT = "26379"
_UNBOUNDED = 1024
"""Connections at most. A pool that is empty raises; one that waits instead costs every call a fifth of its time."""


@asynccontextmanager
async def open_saver(
    url: str,
    ttl: timedelta,
    *,
    ttl_interrupted: timedelta | None = None,
    keep_last: int | None = None,
    encryption_key: bytes | None = None,
) -> AsyncIterator[RedisSaver]:
    """Yield a saver and close its connections when the block ends.

    `url` is `redis://`, `rediss://`, `unix://`, `redis+cluster://host:port` (any node of the cluster) or
    `redis+sentinel://host:port,host:port/service`. A thread is forgotten `ttl` after its last step, or
    `ttl_interrupted` after it while it waits for an answer: choose that longer than the longest clock by which people
    must have answered. The rest is as RedisSaver has it; nothing is connected before it is used."""
    async with AsyncExitStack() as stack:
        client = _client(url, stack)
        stack.push_async_callback(client.aclose)
        yield RedisSaver(
            client,
            ttl=ttl,
            ttl_interrupted=ttl_interrupted,
            keep_last=keep_last,
            encryption_key=encryption_key,
            answer_within=_PATIENCE,
        )


def _client(url: str, stack: AsyncExitStack) -> Redis | RedisCluster:
    if url.startswith(_CLUSTER):
        return RedisCluster.from_url(url.replace(_CLUSTER, "redis://"), max_connections=_UNBOUNDED, **client_options())
    if url.startswith(_SENTINEL):
        return _master(url, stack)
    return Redis.from_url(url, max_connections=_UNBOUNDED, **client_options())


def _master(url: str, stack: AsyncExitStack) -> Redis:
    place = urlsplit(url)
    credentials, _, hosts = place.netloc.rpartition("@")
    user, _, password = map(unquote, credentials.partition(":"))
    pairs = [each.rpartition(":") if ":" in each else (each, ":", _SENTINEL_PORT) for each in hosts.split(",")]
    sentinels = [(host, int(port)) for host, _, port in pairs]
    short = {"socket_timeout": 1, "socket_connect_timeout": 1}
    watch = Sentinel(sentinels, sentinel_kwargs=short, max_connections=_UNBOUNDED, **client_options())
    for each in watch.sentinels:
        stack.push_async_callback(each.aclose)
    return watch.master_for(place.path.strip("/"), username=user or None, password=password or None)


def client_options() -> dict[str, Any]:
    """Return what every client of a saver is opened with."""
    # A command that lost its answer is sent again: every script is safe to repeat. No timeout of the socket's own: the
    # saver has one around each call, which is cheaper than the client's around each of its steps.
    retry = Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 2)
    return {
        "socket_timeout": None,
        "socket_connect_timeout": 2,
        "retry": retry,
        "client_name": "langgraph-checkpoints",
    }
