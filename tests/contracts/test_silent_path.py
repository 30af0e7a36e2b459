"""A path to PostgreSQL that goes silent: an outage of seconds, not a worker that hangs on for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import Database, async_url, open_database
from core.errors import TransientError
from tests.fakes.clock import START
from tests.fakes.databases import PostgreSql
from tests.fakes.examples import an_event


class Path:
    """A proxy whose connections fall silent, open as they are, at `hush` or at a word; new ones work."""

    def __init__(self, host: str, port: int | None) -> None:
        self._host, self._port = host, port
        self._silent: set[int] = set()
        self._open: dict[int, list[asyncio.StreamWriter]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.word = b""

    def hush(self) -> None:
        """Let nothing through any more on any connection there is."""
        self._silent |= self._open.keys()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        task, number = asyncio.current_task(), len(self._open)
        assert task is not None
        self._tasks.append(task)
        self._open[number] = [writer]
        if self._host.startswith("/"):
            source, target = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            source, target = await asyncio.open_connection(self._host, self._port)
        self._open[number].append(target)
        await asyncio.gather(self._carry(number, reader, target), self._carry(number, source, writer))

    async def _carry(self, number: int, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if self.word and self.word in data:
                self.hush()
            if number not in self._silent:
                target.write(data)
                await target.drain()
        target.close()

    def cut(self) -> None:
        """End every connection."""
        for writer in (writer for each in self._open.values() for writer in each):
            writer.transport.abort()

    async def close(self) -> None:
        """End every connection, and wait until it has."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        writers = [writer for each in self._open.values() for writer in each]
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@pytest.fixture
def at(postgresql: PostgreSql) -> str:
    """Return the address of an empty, migrated database."""
    return postgresql.migrated()


@asynccontextmanager
async def behind_a_path(at: str, command: float) -> AsyncIterator[tuple[Path, Database]]:
    url = async_url(at)
    host = url.query.get("host", url.host)
    path = Path(str(host), int(str(url.query.get("port", url.port or 5432))))
    server = await asyncio.start_server(path.connect, "127.0.0.1", 0)
    there = url.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1]).difference_update_query(["host", "port"])
    database = open_database(
        there.update_query_dict({"ssl": "disable"}).render_as_string(hide_password=False), connect=1.0, command=command
    )
    try:
        yield path, database
    finally:
        path.cut()
        await database.close()
        server.close()
        await server.wait_closed()
        await path.close()


async def hold_connections(database: Database, number: int) -> None:
    async def hold() -> None:
        async with database.reading():
            met.release()
            await leave.wait()

    met, leave = asyncio.Semaphore(0), asyncio.Event()
    holding = [asyncio.create_task(hold()) for _ in range(number)]
    for _ in range(number):
        await met.acquire()
    leave.set()
    await asyncio.gather(*holding)


async def test_connections_that_went_silent_are_given_up_all_at_once(at: str) -> None:
    async with behind_a_path(at, command=0.5) as (path, database):
        rows = SqlDeliveries(database)
        await hold_connections(database, 5)
        path.hush()
        begun, tasks = monotonic(), [rows.begin(an_event(), START, most=3) for _ in range(10)]
        assert {start.state for start in await asyncio.gather(*tasks)} == {"begun"}
        assert monotonic() - begun < 6  # one statement's patience and two seconds of farewell; the rest go unasked


async def test_a_path_that_goes_silent_in_a_commit_is_an_outage_and_the_next_write_goes_on(at: str) -> None:
    async with behind_a_path(at, command=0.5) as (path, database):
        rows, event = SqlDeliveries(database), an_event()
        await rows.begin(an_event(), START, most=3)
        path.word = b"COMMIT"
        begun = monotonic()
        with pytest.raises(TransientError):
            await rows.begin(event, START, most=3)
        path.word = b""
        assert (await rows.begin(event, START, most=3)).state == "begun"
        assert monotonic() - begun < 10


async def test_without_a_patience_everybody_waits_for_the_silent_path(at: str) -> None:
    async with behind_a_path(at, command=60.0) as (path, database):
        rows = SqlDeliveries(database)
        await rows.begin(an_event(), START, most=3)
        path.hush()
        tasks = [asyncio.create_task(rows.begin(an_event(), START, most=3)) for _ in range(5)]
        done, waiting = await asyncio.wait(tasks, timeout=3.5)
        assert (len(done), len(waiting)) == (0, 5)
        path.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
