"""Who is at which reminder, in a dict."""

from collections.abc import Sequence
from datetime import datetime

from core.approval import ApprovalStatus
from core.audit import AuditEvent
from core.services.settled_reminders import SETTLED
from tests.fakes.approvals import InMemoryApprovals


class InMemoryReminders:
    """Implements core.services.reminders.ReminderLog, and settled_reminders.Unsettled, over rows in memory."""

    def __init__(self, approvals: InMemoryApprovals) -> None:
        self.approvals = approvals
        self.held: dict[str, datetime] = {}

    async def take(self, approval_id: str, number: int, *, now: datetime, until: datetime) -> bool:
        """Hold the reminder, if it is the next and free."""
        row = await self.approvals.load(approval_id)
        if row.status is not ApprovalStatus.PENDING or row.reminded != number - 1:
            return False
        if approval_id in self.held and self.held[approval_id] > now:
            return False
        self.held[approval_id] = until
        return True

    async def give_back(self, approval_id: str, number: int) -> None:
        """Free it."""
        if (await self.approvals.load(approval_id)).reminded == number - 1:
            self.held.pop(approval_id, None)

    async def sent(self, approval_id: str, number: int, event: AuditEvent) -> bool:
        """Count it, once."""
        row = await self.approvals.load(approval_id)
        if row.reminded != number - 1:
            return False
        self.held.pop(approval_id, None)
        self.approvals.rows[approval_id] = row.model_copy(update={"reminded": number})
        await self.approvals.audit.append(event)
        return True

    async def unsettled(self, since: datetime) -> Sequence[str]:
        """Return those decided and not told of."""
        found: list[str] = []
        for row in self.approvals.rows.values():
            ended = row.status is not ApprovalStatus.PENDING and row.decided_at and row.decided_at > since
            if row.reminded and ended and not await self.approvals.audit.has(SETTLED, row.id, {}):
                found.append(row.id)
        return found
