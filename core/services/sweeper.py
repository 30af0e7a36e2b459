"""What nobody clicks on: requests that run out, and decisions that a crash kept from their graph."""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.ports import ApprovalQueue, Approvals, Audit, Cards, Clock, Queue
from core.services.approval_desk import resume_job

_PATIENCE = timedelta(seconds=5)
_AGAIN_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Sweeper:
    """One tick asks SQL what is due; running it twice at once does no harm."""

    approvals: Approvals
    approval_queue: ApprovalQueue
    cards: Cards
    queue: Queue
    audit: Audit
    clock: Clock

    async def tick(self) -> None:
        """Expire what is over its decide-by clock and hand decided requests to their graphs again; what fails for one
        request is raised as an ExceptionGroup once all others had their turn."""
        now = self.clock.now()
        faults = await _each(
            self._expire(request) for request in await self.approval_queue.pending() if request.decide_by <= now
        )
        # A graph that takes long over its verdict is not asked at every tick: one job for each span of seconds.
        attempt = str(int(now.timestamp()) // _AGAIN_SECONDS)
        faults += await _each(
            self.queue.put(resume_job(request, self.clock, attempt))
            for request in await self.approval_queue.undelivered()
            if request.decided_at is not None and now - request.decided_at > _PATIENCE
        )
        if faults:
            raise ExceptionGroup("some requests could not be swept", faults)

    async def _expire(self, request: ApprovalRequest) -> None:
        now = self.clock.now()
        won = await self.approvals.claim(
            request.id, digest=request.digest, status=ApprovalStatus.EXPIRED, now=now, execute_by=None
        )
        if won:
            await self.audit.append(
                AuditEvent(
                    kind="ApprovalExpired", actor="sweeper", subject=request.id, incident_id=request.incident_id, at=now
                )
            )
            await self.cards.show_approval(request.id)


async def _each(works: Iterable[Awaitable[object]]) -> list[Exception]:
    """Await one after the other and return what they raised."""
    faults: list[Exception] = []
    for work in works:
        try:
            await work
        except Exception as fault:  # noqa: BLE001 - kept for the caller, who raises it
            faults.append(fault)
    return faults
