"""The append-only history as rows; triggers refuse to change or delete them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from bot.adapters.database.engine import Database
from bot.adapters.database.models import audit_events
from core.audit import AuditEvent


class SqlAudit:
    """Implements core.ports.Audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, event: AuditEvent) -> None:
        """Add one row."""
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(audit_events).values(event.model_dump()))

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
