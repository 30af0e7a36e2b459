"""SQLite through our cursor: fewer orders to the connection's thread, and everything else as it was."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import Executable, event, text
from sqlalchemy.exc import IntegrityError

from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.sqlite_driver import AT_ONCE, OneOrderConnection
from core.errors import TransientError

COUNT = text("SELECT count(*) FROM things")
INSERT = text("INSERT INTO things (id) VALUES (:id)")
MANY = [{"id": number} for number in range(AT_ONCE * 2 + 50)]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    async with opened.writing() as connection:
        await connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY)"))
    yield opened
    await opened.close()


async def count(database: Database) -> int:
    async with database.reading() as connection:
        return (await connection.execute(COUNT)).scalar_one()


async def insert(database: Database, *rows: dict[str, int]) -> None:
    async with database.writing() as connection:
        await connection.execute(INSERT, list(rows))


@contextmanager
def orders(kind: type[aiosqlite.Connection] = aiosqlite.Connection) -> Iterator[Callable[[], int]]:
    """Yield what returns how many times somebody has waited for a connection's thread."""
    seen, execute = [0], kind._execute

    async def counted(self: Any, *args: Any, **named: Any) -> Any:
        seen[0] += 1
        return await execute(self, *args, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "_execute", counted)
        yield lambda: seen[0]


async def test_a_read_waits_for_the_thread_once_and_a_write_three_times(database: Database) -> None:
    await count(database)
    with orders() as so_far:
        await count(database)
        assert so_far() == 1
        await insert(database, {"id": 1})
        assert so_far() == 1 + 3  # the lock, the statement, the commit


async def test_twin_the_stock_connection_waits_more_often(database: Database, tmp_path: Path) -> None:
    event.listen(database.engine.sync_engine, "do_connect", _stock)
    await database.engine.dispose()
    await count(database)
    with orders() as so_far:
        await count(database)
        assert so_far() > 4


class StockConnection(aiosqlite.Connection):
    """aiosqlite's own, and nothing put off: it reads without a BEGIN."""

    def put_off(self) -> None: ...


def _stock(_dialect: object, _record: object, _given: list[Any], named: dict[str, Any]) -> None:
    named["async_creator_fn"] = lambda file, **how: StockConnection(partial(sqlite3.connect, file, **how), 64)


@pytest.mark.parametrize("number", [0, 1, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, len(MANY)])
async def test_all_rows_come_in_their_order(database: Database, number: int) -> None:
    if number:
        await insert(database, *MANY[:number])
    every: Executable = text("SELECT id FROM things ORDER BY id")
    async with database.reading() as connection:
        assert list((await connection.execute(every)).scalars()) == list(range(number))
    async with database.reading() as connection:
        streamed = await connection.stream(every.execution_options(yield_per=70))
        assert [row.id async for row in streamed] == list(range(number))


async def test_what_is_streamed_is_not_all_held(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    most = [0]
    make = OneOrderConnection.cursor

    def watched(self: OneOrderConnection) -> Any:
        cursor = make(self)
        fetch = cursor.fetchmany

        async def fetchmany(size: int = 1) -> Any:
            rows = await fetch(size)
            most[0] = max(most[0], len(rows) + len(cursor._rows))
            return rows

        cursor.fetchmany = fetchmany
        return cursor

    await insert(database, *MANY)
    monkeypatch.setattr(OneOrderConnection, "cursor", watched)
    async with database.reading() as connection:
        streamed = await connection.stream(text("SELECT id FROM things").execution_options(yield_per=70))
        assert len([row async for row in streamed]) == len(MANY)
    assert 0 < most[0] <= AT_ONCE


async def test_counts_and_returned_rows_are_told(database: Database) -> None:
    await insert(database, *MANY[:5])
    async with database.writing() as connection:
        changed = await connection.execute(text("UPDATE things SET id = id + 100 WHERE id >= 3"))
        assert changed.rowcount == 2
        gone = await connection.execute(text("DELETE FROM things WHERE id >= 100 RETURNING id"))
        assert sorted(gone.scalars()) == [103, 104]
    assert await count(database) == 3


async def test_two_reads_of_one_transaction_see_the_same(database: Database) -> None:
    async with database.reading() as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 0
        await insert(database, {"id": 1})
        assert (await connection.execute(COUNT)).scalar_one() == 0
    assert await count(database) == 1


async def test_twin_reads_without_a_transaction_see_what_came_between(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneOrderConnection, "put_off", lambda self: None)
    async with database.reading() as connection:
        assert (await connection.execute(COUNT)).scalar_one() == 0
        await insert(database, {"id": 1})
        assert (await connection.execute(COUNT)).scalar_one() == 1


async def test_a_write_that_failed_leaves_nothing_and_holds_nothing(database: Database) -> None:
    await insert(database, {"id": 1})
    with pytest.raises(IntegrityError):
        await insert(database, {"id": 2}, {"id": 1})
    async with asyncio.timeout(2):  # a lock left behind would take ten seconds
        await insert(database, {"id": 3})
    assert await count(database) == 2


async def test_what_is_written_while_reading_is_thrown_away(database: Database) -> None:
    async with database.reading() as connection:
        await connection.execute(INSERT, {"id": 1})
    async with asyncio.timeout(2):
        await insert(database, {"id": 2})
    assert await count(database) == 1


async def test_a_write_broken_off_at_any_moment_leaves_no_lock_and_no_row(database: Database) -> None:
    for wait in (0.0, 0.0002, 0.0005, 0.001, 0.002, 0.005) * 5:
        task = asyncio.create_task(_write_and_stay(database))
        await asyncio.sleep(wait)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(5):
            await insert(database, {"id": 1})
            async with database.writing() as connection:
                assert (await connection.execute(text("DELETE FROM things"))).rowcount == 1


async def _write_and_stay(database: Database) -> None:
    async with database.writing() as connection:
        await connection.execute(INSERT, {"id": 2})
        await asyncio.sleep(1)


async def test_a_file_that_is_no_database_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    opened = open_database(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(TransientError):
        await count(opened)
    await opened.close()
