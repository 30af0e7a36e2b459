"""Real Redis servers as fixtures: `from tests.fakes.servers import *`, then ask for `redis_url` or `redis`."""

import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from bot.adapters.redis.connection import connect
from bot.adapters.redis.embedded import embedded_server
from tests.fakes.processes import end, start

__all__ = ["any_redis_url", "redis", "redis_servers", "redis_url", "valkey"]

ENGINES = ("valkey", "redis") if shutil.which("redis-server") else ("valkey",)


class RedisServers:
    """One server of each engine for the whole run, started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []
        self._urls: dict[str, str] = {}

    def url(self, engine: str) -> str:
        """Return the address of that engine's server, emptied."""
        if engine not in self._urls:
            # Without the append-only file: nobody kills these, and tests need not wait for the disk.
            child, self._urls[engine] = start_redis(self._folder / engine, engine, ("--appendonly", "no"))
            self._children.append(child)
        with Redis.from_url(self._urls[engine]) as client:
            client.flushall()
        return self._urls[engine]

    def stop(self) -> None:
        """End what was started."""
        for child in self._children:
            end(child)


def start_redis(folder: Path, engine: str, extra: Sequence[str] = ()) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server over `folder` as the bot would start its own one, and wait for it; returns the child and its url.

    `engine` is `valkey` (the embedded one) or `redis` (Debian's 7.0); `extra` are more command line options."""
    server = embedded_server(folder)
    program = server.command[0] if engine == "valkey" else "redis-server"
    child = start([program, *server.command[1:], *extra], folder / "server.log")
    deadline = time.monotonic() + 10
    with Redis.from_url(server.url) as client:
        while True:
            try:
                client.ping()
            except RedisError:
                assert child.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < deadline, "the server did not get ready"
                time.sleep(0.02)
            else:
                return child, server.url


@pytest.fixture(scope="session")
def redis_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServers]:
    """Yield the servers of this run."""
    servers = RedisServers(tmp_path_factory.mktemp("redis"))
    yield servers
    servers.stop()


@pytest.fixture
def redis_url(redis_servers: RedisServers) -> str:
    """Return the address of an empty Valkey, the engine that is embedded in the bot."""
    return redis_servers.url("valkey")


@pytest.fixture(params=ENGINES)
def any_redis_url(redis_servers: RedisServers, request: pytest.FixtureRequest) -> str:
    """Return the address of an empty server, once for each engine there is."""
    return redis_servers.url(request.param)


@pytest.fixture
async def redis(any_redis_url: str) -> AsyncIterator[AsyncRedis]:
    """Yield a client of an empty server, of each engine in turn."""
    client = connect(any_redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[AsyncRedis]:
    """Yield a client of an empty server of the embedded engine, for what takes its time."""
    client = connect(redis_url)
    yield client
    await client.aclose()
