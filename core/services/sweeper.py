"""What nobody clicks on: requests that run out, and decisions that a crash kept from their graph."""

from dataclasses import dataclass
from datetime import timedelta

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.incident import IncidentStatus
from core.ports import ApprovalQueue, Approvals, Cards, Clock, Incidents, Queue
from core.services.approval_desk import resume_job
from core.services.one_by_one import one_by_one
from core.tampering import FOUND, fault_of

_PATIENCE = timedelta(seconds=5)
_AGAIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One tick asks SQL what is due; running it twice at once does no harm."""

    approvals: Approvals
    approval_queue: ApprovalQueue
    incidents: Incidents
    cards: Cards
    queue: Queue
    clock: Clock

    async def tick(self) -> None:
        """End what was changed behind our back, is over its decide-by clock or outlived its alert, and hand decided
        requests to their graphs again; what fails for one request is raised as an ExceptionGroup once all others had
        their turn."""
        now = self.clock.now()
        faults = await one_by_one(self._end_if_due(request) for request in await self.approval_queue.pending())
        # A graph that takes long over its verdict is not asked at every tick: one job for each span of seconds.
        attempt = str(int(now.timestamp()) // _AGAIN_SECONDS)
        faults += await one_by_one(
            self.queue.put(resume_job(request, self.clock, attempt))
            for request in await self.approval_queue.undelivered()
            if request.decided_at is not None and now - request.decided_at > _PATIENCE
        )
        if faults:
            raise ExceptionGroup("some requests could not be swept", faults)

    async def _end_if_due(self, request: ApprovalRequest) -> None:
        if fault := fault_of(request):
            await self._end(request, ApprovalStatus.TAMPERED, FOUND, why=fault)
        elif request.decide_by <= self.clock.now():
            await self._end(request, ApprovalStatus.EXPIRED, "ApprovalExpired")
        elif await self._outlived_its_alert(request):
            await self._end(request, ApprovalStatus.SUPERSEDED, "ApprovalSuperseded")

    async def _outlived_its_alert(self, request: ApprovalRequest) -> bool:
        """True for what an alert alone asked for, once it has ended; what a person asked for is theirs to withdraw."""
        if request.requester != "alert" or request.incident_id is None or request.rollback_of is not None:
            return False
        return (await self.incidents.load(request.incident_id)).status is IncidentStatus.RESOLVED

    async def _end(self, request: ApprovalRequest, status: ApprovalStatus, kind: str, **details: str) -> None:
        now = self.clock.now()
        event = AuditEvent(
            kind=kind,
            actor="sweeper",
            subject=request.id,
            incident_id=request.incident_id,
            at=now,
            details={**details},
        )
        if await self.approvals.claim(
            request.id, digest=request.digest, status=status, now=now, execute_by=None, event=event
        ):
            await self.cards.show_approval(request.id)
