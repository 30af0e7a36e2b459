"""aiosqlite with one order to its thread for each statement, where SQLAlchemy gives it four.

SQLAlchemy opens a cursor, executes, fetches and closes, and aiosqlite hands each of these over to the connection's
thread and waits for it. A hand-over costs as much as a small query, and a decision is made of some fifty statements.
A transaction that only reads is one order: BEGIN goes along with its first statement, as it takes no lock before that
in any case, and nobody waits for its end.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from os import PathLike
from typing import Any, Literal, Self

import aiosqlite

AT_ONCE = 200
"""Rows that come along with their statement; who wants more asks the thread again."""

_WAL_WITHIN, _WAL_AGAIN = 5.0, 0.01  # seconds


class OneOrderConnection(aiosqlite.Connection):
    """A connection for SQLAlchemy's aiosqlite dialect: give `connect` as its `async_creator_fn`."""

    # due: a BEGIN is put off. reads: it went along with a statement, so no lock was asked for. over: neither, since
    # the last end of a transaction. Empty is anything else.
    _state: Literal["due", "reads", "over", ""] = ""

    def cursor(self) -> Any:
        """Return a cursor, which costs nothing before it executes."""
        return _Cursor(self)

    async def order(self, function: Callable[..., Any], *args: Any) -> Any:
        """Let the thread call this, after the BEGIN that is due."""
        begin = self._state == "due"
        self._state = "reads" if begin or self._state == "reads" else ""
        return await self._execute(self._begun, function, *args) if begin else await self._execute(function, *args)

    def put_off(self) -> None:
        """BEGIN with the next order: what an engine does in place of a BEGIN that takes no lock."""
        self._state = "due"

    async def commit(self) -> None:
        """Commit the transaction, if there is one."""
        if self._state != "due":
            self._state = ""
            await super().commit()
        self._state = "over"

    async def rollback(self) -> None:
        """Roll the transaction back, if there is one; the pool asks for it even after a commit."""
        if self._state == "reads":
            self._tx.put_nowait((None, self._conn.rollback))  # the next order comes after it
        elif self._state == "":
            await super().rollback()
        self._state = "over"

    def _begun(self, function: Callable[..., Any], *args: Any) -> Any:
        self._conn.execute("BEGIN")
        return function(*args)


class _Cursor:
    """What SQLAlchemy uses of a cursor. The first rows are here once `execute` returns, and if these are all of them,
    as nearly always, the cursor behind it is closed again by then."""

    arraysize = 1

    def __init__(self, connection: OneOrderConnection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Any = ()) -> None:
        await self._connection.order(self._run, sqlite3.Cursor.execute, statement, parameters)

    async def executemany(self, statement: str, parameters: Any) -> None:
        await self._connection.order(self._run, sqlite3.Cursor.executemany, statement, parameters)

    async def fetchone(self) -> Any:
        return next(iter(await self.fetchmany(1)), None)

    async def fetchmany(self, size: int = 1) -> Sequence[Any]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        if len(rows) < size and self._open is not None:
            rows += await self._connection.order(self._open.fetchmany, size - len(rows))
        return rows

    async def fetchall(self) -> Sequence[Any]:
        rows, self._rows = self._rows, []
        if self._open is not None:
            rows += await self._connection.order(self._open.fetchall)
        return rows

    async def close(self) -> None:
        if self._open is not None:
            cursor, self._open = self._open, None
            await self._connection.order(cursor.close)

    def _run(self, execute: Any, statement: str, parameters: Any) -> None:
        """Execute in the connection's thread."""
        cursor = self._connection._conn.cursor()
        more = False
        try:
            execute(cursor, statement, parameters)
            if cursor.description is not None:
                self._rows = cursor.fetchmany(AT_ONCE)
                more = len(self._rows) == AT_ONCE
            self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
            self._open = cursor if more else None
        finally:
            if not more:
                cursor.close()


def connect(file: str | PathLike[str], **how: Any) -> OneOrderConnection:
    """Return a connection that opens once it is awaited, with a write-ahead log; `how` as for sqlite3.connect."""
    connection = OneOrderConnection(partial(_opened, file, **how), 64)
    connection._thread.daemon = True  # as SQLAlchemy makes it: nobody's exit waits for it
    return connection


def _opened(file: str | PathLike[str], **how: Any) -> sqlite3.Connection:
    """Open the file, in the connection's thread. Of two processes that meet a new one, SQLite tells the one that comes
    second to the log that it is locked, and that at once, however long it is told to wait."""
    opened = sqlite3.connect(file, **how)
    until = time.monotonic() + _WAL_WITHIN
    while True:
        try:
            opened.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.Error as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                opened.close()
                raise
            time.sleep(_WAL_AGAIN)
        else:
            return opened
