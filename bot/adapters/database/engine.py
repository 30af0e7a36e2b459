"""One way to a connection: either engine, opened with the settings that keep a decision once it is committed."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, ExceptionContext, Table, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, InvalidRequestError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.adapters.database.sqlite_driver import connect as connect_sqlite
from core.errors import ConfigurationError, TransientError

_UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeoutError, OSError)
# PostgreSQL's codes for what passes: lost connections, an idle transaction that was ended, races that were rolled back,
# no room or connections left, a lock not had in time, shutdowns, a failing disk.
_PASSING = ("08", "25P03", "40", "53", "55P03", "57", "58")
_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}
_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA foreign_keys = ON",
    # Without it INSERT OR REPLACE deletes rows behind the back of the triggers that refuse a DELETE.
    "PRAGMA recursive_triggers = ON",
)


@dataclass(frozen=True, slots=True)
class Database:
    """An engine and the two ways to use it; one that cannot be reached raises TransientError, and a file that holds
    something else ConfigurationError; a cell that holds no text where one belongs, ValueError."""

    engine: AsyncEngine
    grown: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by every transaction that this process commits; whoever acts on it clears it."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction that is thrown away."""
        with _passing_faults():
            async with self.engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Yield a connection in a transaction that is committed; on SQLite it holds the write lock from its start."""
        with _passing_faults():
            async with self.engine.connect() as connection:
                await connection.execution_options(begin_immediate=True)
                async with connection.begin():
                    yield connection
                self.grown.set()

    def insert(self, table: Table) -> Any:
        """Return this engine's INSERT, which knows ON CONFLICT (postgresql.Insert or sqlite.Insert)."""
        return sqlite.insert(table) if self.engine.dialect.name == "sqlite" else postgresql.insert(table)

    async def revision(self) -> str | None:
        """Return the migration that the schema stands at, or None for an empty database."""
        async with self.reading() as connection:
            if not await connection.run_sync(lambda sync: inspect(sync).has_table("alembic_version")):
                return None
            return (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar()

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()


def open_database(url: str, *, connect: float = 5.0, command: float = 15.0) -> Database:
    """Return the database behind `sqlite:///file` or `postgresql://...` (drivers are filled in); connects on use.

    PostgreSQL has so many seconds to take a connection and to answer a statement, which is more than any wait for a
    lock: a path that went silent is an outage then, and its connections are given up."""
    parsed = async_url(url)
    if parsed.get_backend_name() == "postgresql":
        # What waited for a lock has to see what its holder wrote, whatever the server's own default is.
        # Last in, first out: what has just worked comes before what nobody has used for long.
        waits = {"pool_size": 10, "pool_timeout": 10, "pool_use_lifo": True, "isolation_level": "READ COMMITTED"}
        engine = create_async_engine(parsed, connect_args={"timeout": connect, "command_timeout": command}, **waits)
        event.listen(engine.sync_engine, "handle_error", _discard_silent)
        event.listen(engine.sync_engine, "checkout", _ping)
        return Database(engine)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).expanduser().absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(parsed, connect_args={"async_creator_fn": connect_sqlite})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return Database(engine)


def async_url(url: str) -> URL:
    """Return the URL with the driver that this project speaks; ConfigurationError for another engine."""
    parsed = make_url(url)
    backend = parsed.drivername.split("+")[0]
    if backend not in _DRIVERS:
        raise ConfigurationError(f"DATABASE_URL: {backend} is not supported; use sqlite or postgresql")
    # libpq says sslmode where asyncpg says ssl; managed databases hand out the libpq form.
    query = {"ssl" if name == "sslmode" else name: value for name, value in parsed.query.items()}
    return parsed.set(drivername=_DRIVERS[backend], query=query)


@contextmanager
def _passing_faults() -> Iterator[None]:
    try:
        yield
    except _UNAVAILABLE as error:
        if "Could not decode to UTF-8" in str(error):  # what sqlite3 says of one cell, and no later try reads it
            raise ValueError("a text in the database is no UTF-8") from error
        raise TransientError(f"database: {type(error).__name__}") from error
    except InvalidRequestError as error:
        if "connection is closed" not in str(error):
            raise
        raise TransientError("database: no connection that answers") from error
    except (sqlite3.DatabaseError, DBAPIError) as error:
        if "file is not a database" in str(error):
            raise ConfigurationError("DATABASE_URL: the file there is no SQLite database") from error
        code = str(getattr(getattr(error, "orig", None), "sqlstate", None))
        if not code.startswith(_PASSING):
            raise
        raise TransientError(f"database: SQLSTATE {code}") from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction control begins too late (at the first write) for a lock that must precede the read.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _discard_silent(context: ExceptionContext) -> None:
    # Without an answer a connection cannot even be rolled back, and its neighbours are no better.
    if isinstance(context.original_exception, TimeoutError):
        context.is_disconnect = True


def _ping(connection: Any, _record: object, _proxy: object) -> None:
    # Not pool_pre_ping, for which an answer that does not come says nothing about the other connections.
    try:
        connection.ping()
    except (OSError, connection.dbapi.Error) as error:
        raise InvalidatePoolError from error


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("begin_immediate", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        driver: Any = connection.connection.driver_connection
        driver.put_off()
