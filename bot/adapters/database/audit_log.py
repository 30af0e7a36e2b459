"""The append-only history as a chain of rows; triggers refuse to change or delete them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import Database
from bot.adapters.database.models import audit_events
from core.audit import AuditEvent
from core.audit_chain import START, Head, content_of, next_head

_LOCK = 0x61756469  # any constant but the one of migrate.py will do
_LAST = select(audit_events.c.sequence, audit_events.c.hash).order_by(audit_events.c.sequence.desc()).limit(1)
_TURN = select(func.pg_advisory_xact_lock(literal(_LOCK, BigInteger, literal_execute=True)))
# The JSON goes in as the very text that was hashed.
_INSERT = insert(audit_events).values(details=bindparam("details", type_=Text)).inline()


class SqlAudit:
    """Implements core.ports.Audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, event: AuditEvent) -> None:
        """Add one row; once this returns it is kept."""
        async with self._database.writing() as connection:
            await append_event(connection, event)

    async def of_incident(self, incident_id: str) -> Sequence[AuditEvent]:
        """Return an incident's rows, oldest first."""
        return await self._where(audit_events.c.incident_id == incident_id)

    async def of_subject(self, subject: str) -> Sequence[AuditEvent]:
        """Return one subject's rows, oldest first."""
        return await self._where(audit_events.c.subject == subject)

    async def _where(self, condition: ColumnElement[bool]) -> list[AuditEvent]:
        query: Any = select(audit_events).where(condition).order_by(audit_events.c.id)
        async with self._database.reading() as connection:
            return [AuditEvent.model_validate(dict(row._mapping)) for row in await connection.execute(query)]


async def append_event(connection: AsyncConnection, event: AuditEvent) -> None:
    """Add one row in the caller's transaction of `Database.writing`, as its last statement: from here to its end
    nobody else can append. ValueError for a moment without a time zone."""
    content = content_of(event)
    head = await last_head(connection)
    sequence, own = next_head(head, content)
    row = event.model_dump(exclude={"details"}) | {"details": content.details.decode()}
    await connection.execute(_INSERT, row | {"sequence": sequence, "previous_hash": head.hash, "hash": own})


async def last_head(connection: AsyncConnection) -> Head:
    """Return the chain's head, and keep others from appending until the caller's transaction ends."""
    if connection.dialect.name == "postgresql":
        # A statement of its own: the one that waits for its turn would read the head as it was before the wait.
        # (SQLite's transaction holds the write lock from its start.)
        await connection.execute(_TURN)
    last = (await connection.execute(_LAST)).first()
    return START if last is None else Head(last.sequence, last.hash)
