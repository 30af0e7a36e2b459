"""Reads the whole history as it is stored, byte for byte, and lets the core say whether it was tampered with."""

from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, Text, cast, func, inspect, select, type_coerce
from sqlalchemy.exc import DBAPIError

from bot.adapters.database.engine import Database, async_url, open_database
from bot.adapters.database.models import audit_events
from core.audit_chain import ChainCheck, Content, Head, StoredRow, Verdict
from core.errors import ConfigurationError

_CHUNK = 5000
_NOT_MIGRATED = "the database holds no chained history: run `python -m bot migrate`"


async def check_chain(url: str, noted: Head | None = None) -> Verdict:
    """Look at every row in one snapshot, a chunk at a time, changing nothing; `noted` is a head that must be in there.

    TransientError when the database cannot be reached, ConfigurationError when it holds no such history.
    """
    database = open_database(_existing(url))
    try:
        async with database.reading() as connection:
            columns = await connection.run_sync(_columns)
            if "sequence" not in columns:
                raise ConfigurationError(_NOT_MIGRATED)
            check = ChainCheck(noted)
            stream = await connection.stream(_query(database).execution_options(yield_per=_CHUNK))
            async for rows in stream.partitions():
                for row_id, sequence, previous_hash, own_hash, *content in map(tuple, rows):
                    check.look_at(StoredRow(row_id, sequence, previous_hash, own_hash, content))
            return check.finish()
    except DBAPIError as error:  # such as a file that is damaged
        raise ConfigurationError(f"DATABASE_URL: the history cannot be read ({error.orig})") from error
    finally:
        await database.close()


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


def _existing(url: str) -> str:
    parsed = async_url(url)
    if parsed.get_backend_name() == "sqlite":
        # Opening would make the file.
        file = Path(parsed.database or "").expanduser()
        if not file.is_file() or _beginning(file) not in (b"", b"SQLite format 3\0"):
            raise ConfigurationError(f"DATABASE_URL: {file} is no SQLite database")
    return url


def _beginning(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(16)
