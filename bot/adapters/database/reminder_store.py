"""Who is at which reminder: a hold on the request's row that lapses, and a count of what was sent."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Update, exists, or_, select, update

from bot.adapters.database.audit_log import append_events
from bot.adapters.database.engine import Database
from bot.adapters.database.models import approvals, audit_events
from core.approval import ApprovalStatus
from core.audit import AuditEvent
from core.services.settled_reminders import SETTLED


class SqlReminders:
    """Implements core.services.reminders.ReminderLog, and settled_reminders.Unsettled, on the approvals table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, approval_id: str, number: int, *, now: datetime, until: datetime) -> bool:
        """Hold reminder `number` until then; True for the one who does."""
        held = approvals.c.reminding_until
        free = or_(held.is_(None), held <= now)
        pending = approvals.c.status == ApprovalStatus.PENDING.value
        statement = _at(approval_id, number).where(pending, free).values(reminding_until=until)
        async with self._database.writing() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def give_back(self, approval_id: str, number: int) -> None:
        """Let somebody else try reminder `number` at once."""
        async with self._database.writing() as connection:
            await connection.execute(_at(approval_id, number).values(reminding_until=None))

    async def sent(self, approval_id: str, number: int, event: AuditEvent) -> bool:
        """Count reminder `number`, with its event, in one transaction."""
        async with self._database.writing() as connection:
            counted = _at(approval_id, number).values(reminded=number, reminding_until=None)
            if (await connection.execute(counted)).rowcount != 1:
                return False
            await append_events(connection, event)
            return True

    async def unsettled(self, since: datetime) -> Sequence[str]:
        """Return at most fifty ids, oldest first."""
        told = exists().where(audit_events.c.subject == approvals.c.id, audit_events.c.kind == SETTLED)
        ended = (approvals.c.decided_at > since, approvals.c.status != ApprovalStatus.PENDING.value)
        query = select(approvals.c.id).where(approvals.c.reminded > 0, *ended, ~told).order_by(approvals.c.decided_at)
        async with self._database.reading() as connection:
            return (await connection.execute(query.limit(50))).scalars().all()


def _at(approval_id: str, number: int) -> Update:
    return update(approvals).where(approvals.c.id == approval_id, approvals.c.reminded == number - 1)
