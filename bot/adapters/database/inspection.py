"""Is the database what our promises rest on: at the right revision, with its triggers, and with the same time."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import Database

_KEPT = ("approvals", "audit_events", "effects", "votes")
_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%SELECT RAISE(ABORT%'"
# A disabled trigger, or a function that no longer raises, is as good as none.
_POSTGRESQL = (
    "SELECT t.tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE t.tgenabled IN ('O', 'A') AND NOT t.tgisinternal AND p.prosrc LIKE '%RAISE EXCEPTION%'"
)


class SqlFacts(NamedTuple):
    """`missing` are the triggers that should keep decided rows; `now` is None where the database has our own clock."""

    revision: str | None
    missing: tuple[str, ...]
    now: datetime | None


async def inspect_sql(database: Database) -> SqlFacts:
    """Ask the database; TransientError while it cannot be reached."""
    revision = await database.revision()
    server = database.engine.dialect.name == "postgresql"
    verbs = ("update", "delete", "truncate") if server else ("update", "delete")
    wanted = {f"{table}_refuse_{verb}" for table in _KEPT for verb in verbs}
    async with database.reading() as connection:
        found = {str(name) for name in await _column(connection, _POSTGRESQL if server else _SQLITE)}
        now = (await _column(connection, "SELECT clock_timestamp()"))[0] if server else None
    return SqlFacts(revision, tuple(sorted(wanted - found)), now)


async def _column(connection: AsyncConnection, statement: str) -> list[Any]:
    return list((await connection.execute(text(statement))).scalars().all())
