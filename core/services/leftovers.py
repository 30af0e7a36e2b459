"""What a crash leaves half done and no queue remembers: SQL is asked for it, and each is brought to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.approval import ApprovalRequest, ApprovalStatus
from core.dead_letter import DeadLetter
from core.effect import Effect
from core.event import Event
from core.fitness import SKEW
from core.ids import incident_thread_id
from core.incident import Incident
from core.ports import ApprovalQueue, Approvals, Clock, DeadLetters, Effects, Incidents, Queue, Reports, ToolBox
from core.refusal import RAN_OUT
from core.services.endings import Endings
from core.services.needs_human import KIND as CALL
from core.services.one_by_one import one_by_one
from core.tool_call import ToolResult

# Longer than whoever is at it may take, so that nobody's work under way is taken for a leftover.
SETTLE_AFTER = timedelta(seconds=20)
OVERDUE_AFTER = 2 * SKEW + timedelta(seconds=5)
SHOW_AFTER = timedelta(seconds=15)
LOOK_AFTER, LOOK_UNTIL = timedelta(seconds=90), timedelta(hours=1)
_AGAIN_SECONDS = 60
_UNTOLD = "What was approved could not be handed on, and was given up. Check the target, then ask again."
_TOO_LATE = f"{RAN_OUT}the approval ran out before it was carried out. Nothing ran."


@dataclass(frozen=True, slots=True)
class Leftovers:
    """One tick asks SQL what is left over; doing it twice at once does no harm."""

    approvals: Approvals
    approval_queue: ApprovalQueue
    effects: Effects
    incidents: Incidents
    reports: Reports
    toolbox: ToolBox
    endings: Endings
    queue: Queue
    clock: Clock
    letters: DeadLetters

    async def tick(self) -> None:
        """Give attempts and late approvals their end, and cards, reports and looks that never came another job; what
        fails for one is raised as an ExceptionGroup once all others had their turn."""
        now = self.clock.now()
        faults = await one_by_one(self._settle(effect) for effect in await self.effects.unsettled(now - SETTLE_AFTER))
        undelivered = await self.approval_queue.undelivered()
        faults += await one_by_one(self._end_late(request) for request in undelivered)
        faults += await one_by_one(self._bury(letter, undelivered) for letter in await self.letters.dead())
        pending = await self.approval_queue.pending()
        unseen = [row for row in pending if not row.card_ts and row.created_at < now - SHOW_AFTER]
        faults += await one_by_one(self._refresh("approval_id", row.id) for row in unseen)
        unshown = await self.reports.unshown(now - SHOW_AFTER)
        faults += await one_by_one(self._refresh("report_id", report_id) for report_id in unshown)
        faults += await one_by_one(self._mend(incident) for incident in await self.incidents.open())
        if faults:
            raise ExceptionGroup("some leftovers could not be brought to their end", faults)

    async def _settle(self, effect: Effect) -> None:
        result = await self.toolbox.settle(effect.approval_id)
        request = await self.approvals.load(effect.approval_id)
        if result is not None and request.status is ApprovalStatus.APPROVED:
            await self.endings.close(request, result)

    async def _end_late(self, request: ApprovalRequest) -> None:
        """End what was approved and is over its execute-by clock; the guard lets nothing begin after it."""
        if request.status is not ApprovalStatus.APPROVED or request.execute_by is None:
            return
        if request.execute_by < self.clock.now() - OVERDUE_AFTER:
            attempt = await self.toolbox.settle(request.id)
            await self.endings.close(request, attempt or ToolResult(status="refused", text=_TOO_LATE))

    async def _bury(self, letter: DeadLetter, undelivered: Sequence[ApprovalRequest]) -> None:
        """Draw the line under what a dead letter was about, or more jobs for it would end as more dead letters."""
        body = letter.event.body if letter.event is not None else {}
        for request in undelivered:
            if letter.kind == "job.resume" and body.get("approval_id") == request.id:
                if (await self.approvals.load(request.id)).status is ApprovalStatus.APPROVED:
                    attempt = await self.toolbox.settle(request.id)
                    await self.endings.close(request, attempt or ToolResult(status="unknown", text=_UNTOLD))
                await self.approval_queue.delivered(request.id)
        if letter.kind == "job.propose" and isinstance(report_id := body.get("report_id"), str):
            await self.reports.shown(report_id, self.clock.now())

    async def _mend(self, incident: Incident) -> None:
        age = self.clock.now() - incident.opened_at
        if not incident.thread_ts and age > SHOW_AFTER:
            await self._refresh("incident_id", incident.id)
        if LOOK_AFTER < age < LOOK_UNTIL and incident.alerts and await self._is_unlooked(incident):
            alert = incident.alerts[0]
            look = f"{alert.fingerprint}:{alert.starts_at.isoformat()}"
            body = {"incident_id": incident.id, "requester": "alert", "look": look}
            await self._put("job.investigate", incident.id, incident_thread_id(incident.id), body)

    async def _is_unlooked(self, incident: Incident) -> bool:
        if await self.reports.of_thread(incident_thread_id(incident.id)):
            return False
        return not await self.endings.audit.has(CALL, incident.id, {})

    async def _refresh(self, kind: str, subject: str) -> None:
        await self._put("job.refresh", subject, f"card:{subject}", {kind: subject})

    async def _put(self, kind: str, subject: str, key: str, body: dict[str, str]) -> None:
        """Queue one job for the subject in each minute: what cannot be done (an archived channel) is not hurried."""
        now = self.clock.now()
        span = int(now.timestamp()) // _AGAIN_SECONDS
        await self.queue.put(
            Event(id=f"left:{kind}:{subject}:{span}", kind=kind, key=key, body=dict(body), received_at=now)
        )
