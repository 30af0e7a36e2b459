"""What outlives a schedule in one test process: a Redis child, a migrated database to copy, and a loop."""

import asyncio
import gc
import shutil
import signal
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import httpx
import uvloop
from redis import Redis

from bot import worker
from bot.adapters.database.migrate import migrate
from bot.adapters.redis import consumer
from bot.adapters.redis.stream import Entry, EventStream
from tests.chaos.inside.plug import Unplugged
from tests.fakes.processes import end
from tests.fakes.servers import start_redis

_MEMORY = Path("/dev/shm")
T = TypeVar("T")


class Place:
    """Files are kept in memory where there is some: what is tested here is who wrote what, not how disks behave.

    `taken_over` counts the entries that workers took over from others, dead or only slow on a busy machine."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="watchkeeper-chaos-", dir=_MEMORY if _MEMORY.is_dir() else None))
        self._child, self.redis_url = start_redis(self.folder / "redis", "valkey")
        self._template = self.folder / "template.db"
        asyncio.run(migrate(f"sqlite:///{self._template}"))
        with sqlite3.connect(self._template) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._runner.get_loop().set_exception_handler(_hear)
        self.http = httpx.AsyncClient(trust_env=False, verify=False)
        self._count = self._workers = 0
        self.taken_over = 0
        self.prepare: Callable[[sqlite3.Connection], None] = lambda connection: None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the loop turn until `work` has ended; everything else in it goes on meanwhile."""
        return self._runner.run(work)

    def fresh(self) -> Path:
        """Empty Redis, and return a database with nothing in it."""
        with Redis.from_url(self.redis_url) as client:
            client.flushall()
        self._count += 1
        file = self.folder / f"{self._count}.db"
        shutil.copy(self._template, file)
        connection = sqlite3.connect(file)
        self.prepare(connection)
        connection.commit()
        connection.close()
        return file

    def new_name(self) -> str:
        """Return a worker's name that nobody had: a killed reader may live a little longer, and takes what is meant for
        its namesake in the next schedule."""
        self._workers += 1
        return f"worker{self._workers}"

    def restart_redis(self) -> None:
        """Kill the server as hard as can be, and start it over the same files."""
        end(self._child, signal.SIGKILL)
        self._child, self.redis_url = start_redis(self.folder / "redis", "valkey")

    def close(self) -> None:
        """End the child and remove the files."""
        self._runner.run(self.http.aclose())
        self._runner.close()
        end(self._child)
        shutil.rmtree(self.folder)


def _hear(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of a killed worker's tasks, however late they are found."""
    if not isinstance(context.get("exception"), Unplugged):
        loop.default_exception_handler(context)


@contextmanager
def a_place() -> Iterator[Place]:
    """Yield a place; in it nobody waits two seconds of real time before a card is drawn anew."""
    place = Place()
    inherit = EventStream.inherit

    async def counted(stream: EventStream) -> tuple[list[Entry], int]:
        entries, ours = await inherit(stream)
        place.taken_over += len(entries)
        return entries, ours

    gc.collect()
    gc.freeze()  # all that was imported, which would be looked through again and again
    try:
        with (
            mock.patch.object(worker, "REFRESH_SPAN", timedelta(milliseconds=5)),
            mock.patch.object(EventStream, "inherit", counted),
            mock.patch.object(consumer, "_FIRST_LOOK", 0.002),
            mock.patch.object(consumer, "_LONGEST_LOOK", 0.02),
        ):
            yield place
    finally:
        gc.unfreeze()
        place.close()
        with warnings.catch_warnings():
            # A killed worker closes nothing: what it left is found here, and not while somebody else's test runs.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
