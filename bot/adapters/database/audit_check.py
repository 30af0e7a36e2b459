"""Reads the whole history as it is stored, byte for byte, and lets the core say whether it was tampered with."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, Text, cast, func, inspect, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import Database, async_url, open_database
from bot.adapters.database.models import audit_events
from core.audit_chain import START, ChainCheck, Content, Head, Noted, StoredRow, Verdict
from core.errors import ConfigurationError

_CHUNK, _SMALL_CHUNK = 5000, 250
_LAST = select(audit_events.c.sequence, audit_events.c.hash).order_by(audit_events.c.sequence.desc()).limit(1)
NOT_MIGRATED = "DATABASE_URL: there is nothing yet in this database: run `python -m bot migrate`"


async def check_chain(url: str, noted: Iterable[Noted] = ()) -> Verdict:
    """Look at every row in one snapshot, a chunk at a time, changing nothing; `noted` are heads that must be in there.

    TransientError when the database cannot be reached, ConfigurationError when it holds no such history.
    """
    database = open_database(existing(url))
    try:
        async with database.reading() as connection:
            if "sequence" not in await connection.run_sync(_columns):
                raise ConfigurationError(NOT_MIGRATED)
            return await _looked_at(connection, _query(database), ChainCheck(noted))
    except DBAPIError as error:  # such as a file that is damaged
        raise ConfigurationError(f"DATABASE_URL: the history cannot be read ({error.orig})") from error
    finally:
        await database.close()


async def check_since(
    database: Database, noted: Sequence[Noted], breathe: Callable[[], Awaitable[None]] | None = None
) -> Verdict:
    """Look at the rows from the first of the heads on, in one snapshot; without heads nothing but the last row is read.

    The verdict's head is what the chain ends with. `breathe` is awaited every few milliseconds, by whoever has time.
    TransientError when the database cannot be reached.
    """
    async with database.reading() as connection:
        if not noted:
            last = (await connection.execute(_LAST)).first()
            return Verdict(0, START if last is None else Head(last.sequence, last.hash), (), 0)
        first = min(each.head.sequence for each in noted)
        query = _query(database).where(audit_events.c.sequence >= first)
        return await _looked_at(connection, query, ChainCheck(noted, after=first - 1), breathe)


async def _looked_at(
    connection: AsyncConnection,
    query: Select[Any],
    check: ChainCheck,
    breathe: Callable[[], Awaitable[None]] | None = None,
) -> Verdict:
    stream = await connection.stream(query.execution_options(yield_per=_SMALL_CHUNK if breathe else _CHUNK))
    async for rows in stream.partitions():
        for row_id, sequence, previous_hash, own_hash, *content in map(tuple, rows):
            check.look_at(StoredRow(row_id, sequence, previous_hash, own_hash, content))
        if breathe:
            await breathe()
    return check.finish()


def _query(database: Database) -> Select[Any]:
    raw = _blob if database.engine.dialect.name == "sqlite" else _bytea
    fields = [raw(audit_events.c[name]) for name in ("previous_hash", "hash", *Content._fields)]
    rows = select(audit_events.c.id, audit_events.c.sequence, *fields)
    return rows.order_by(audit_events.c.sequence, audit_events.c.id)


def _blob(column: ColumnElement[Any]) -> ColumnElement[bytes]:
    return cast(type_coerce(column, Text), LargeBinary)


def _bytea(column: ColumnElement[Any]) -> ColumnElement[bytes]:
    if column.key == "at":
        # As SQLite keeps it, so that a history has the same hashes on both engines.
        column = func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24:MI:SS.US")
    return func.convert_to(type_coerce(column, Text), "UTF8", type_=LargeBinary)


def _columns(connection: Connection) -> set[str]:
    inspector = inspect(connection)
    if not inspector.has_table(audit_events.name):
        return set()
    return {column["name"] for column in inspector.get_columns(audit_events.name)}


def existing(url: str) -> str:
    """Return the address as it is; ConfigurationError where there is no file, which opening would make.

    The file itself is not looked into: to close it would drop the locks of every connection of this process, and the
    next command would take the write-ahead log away from under them (sqlite.org/howtocorrupt.html, 2.2)."""
    parsed = async_url(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(parsed.database or "").expanduser()
        if not file.exists():
            told = "the bot makes it when it starts (is DATA_DIR the bot's?)"
            raise ConfigurationError(f"DATABASE_URL: there is nothing yet at {file}; {told}")
        if not file.is_file():
            raise ConfigurationError(f"DATABASE_URL: {file} is no SQLite database")
    return url
