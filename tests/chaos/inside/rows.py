"""SQLite without threads: a transaction is one step of the loop, and workers take turns between transactions."""

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.util import LRUCache

from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.sqlite_driver import OneOrderConnection


class _Compiled(LRUCache[Any, Any]):
    """What is compiled once for all engines: each has a dialect of its own, which is the first part of every key."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key[1:], value)


_COMPILED = _Compiled(2000)


class _AtOnce:
    """Stands where a connection's thread takes its orders, and carries them out as they come."""

    def put_nowait(self, order: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Do it, and answer."""
        future, function = order
        try:
            result = function()
        except Exception as error:
            if future is None:
                raise
            future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class Direct(OneOrderConnection):
    """Does what it is asked at once. With a thread for each connection most of a schedule is spent on handing over to
    them, and whoever finds a file locked sleeps longer than the lock lasts."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, 64)
        self._tx: Any = _AtOnce()

    def __await__(self) -> Generator[Any, None, aiosqlite.Connection]:
        return self._connect().__await__()


def open_rows(url: str) -> Database:
    """Open a database; what was compiled for one engine serves them all, as there is a fresh one for each worker."""
    opened = open_database(url)
    engine = opened.engine.sync_engine
    engine._compiled_cache = _COMPILED
    event.listen(engine, "do_connect", _directly)
    event.listen(engine, "connect", _hurry)
    return opened


def _directly(_dialect: object, _record: object, _given: list[Any], named: dict[str, Any]) -> None:
    named["async_creator_fn"] = lambda file, **how: Direct(lambda: sqlite3.connect(Path(file), **how))


def _hurry(connection: Any, _record: object) -> None:
    # A locked database says so after 50 ms instead of ten seconds.
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 50")
    cursor.close()
