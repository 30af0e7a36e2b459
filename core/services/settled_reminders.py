"""Reminders of a request that is decided: each says so, or people go on opening cards that wait for nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.ports import Approvals, Audit, Clock

SENT, SETTLED = "ReminderSent", "RemindersSettled"
TO_THREAD = "thread"
_FOR = timedelta(days=1)


class Unsettled(Protocol):
    """The requests, as this needs them."""

    async def unsettled(self, since: datetime) -> Sequence[str]:
        """Return the ids of those decided since then of which somebody was reminded and nobody was told the end."""
        ...


class Corrections(Protocol):
    """The messages themselves; TransientError while Slack is away."""

    async def settle(self, request: ApprovalRequest, number: int, people: Sequence[str]) -> None:
        """Let reminder `number` say how it was decided: that in the thread, or without it those to the people."""
        ...


@dataclass(frozen=True, slots=True)
class SettledReminders:
    """One tick corrects what stands; doing it twice changes nothing."""

    log: Unsettled
    approvals: Approvals
    corrections: Corrections
    audit: Audit
    clock: Clock

    async def tick(self) -> None:
        """Correct the reminders of every request that was decided; what an outage stops is done at a later tick."""
        now = self.clock.now()
        for approval_id in await self.log.unsettled(now - _FOR):
            request = await self.approvals.load(approval_id)
            sent = [event for event in await self.audit.of_subject(approval_id) if event.kind == SENT]
            for event in sent:
                people = [name for name in str(event.details["to"]).split(", ") if name != TO_THREAD]
                await self.corrections.settle(request, int(str(event.details["number"])), people)
            ended = AuditEvent(
                kind=SETTLED, actor="watchkeeper", subject=approval_id, incident_id=request.incident_id, at=now
            )
            await self.audit.append(ended)
