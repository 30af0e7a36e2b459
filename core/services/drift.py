"""Requests whose target moves on while they wait: ended, before anybody approves what could not run any more."""

from dataclasses import dataclass

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Place
from core.ports import ApprovalQueue, Approvals, Cards, Clock, Queue, ToolBox
from core.services.approval_desk import resume_job


@dataclass(frozen=True, slots=True)
class DriftWatch:
    """One tick plans anew whatever waits. The guard refuses what has drifted in any case; here people hear of it while
    they can still ask for what fits."""

    toolbox: ToolBox
    approvals: Approvals
    approval_queue: ApprovalQueue
    cards: Cards
    queue: Queue
    clock: Clock

    async def tick(self) -> None:
        """End every waiting request whose plan would be another one now; a target that does not answer proves nothing.
        Safe to repeat, and beside votes: one claim wins."""
        for request in await self.approval_queue.pending():
            if drift := await self.toolbox.drift(request):
                await self._end(request, drift)

    async def _end(self, request: ApprovalRequest, drift: str) -> None:
        now, why = self.clock.now(), f"Its target has changed since it was asked for: {drift}."
        told = AuditEvent(
            kind="ApprovalSuperseded",
            actor="watchkeeper",
            subject=request.id,
            incident_id=request.incident_id,
            at=now,
            details={"why": drift},
        )
        end = ApprovalStatus.SUPERSEDED
        if await self.approvals.claim(
            request.id, digest=request.digest, status=end, now=now, execute_by=None, event=told, text=why
        ):
            await self.queue.put(resume_job(request, self.clock))
            place = Place(channel=request.channel, thread_ts=request.thread_ts)
            call = f"`{request.plan.call.name}` on {request.plan.service}"
            said = (
                f"{call} is not asked for any more. {why} Nothing was run. Ask again on its card if it is still needed."
            )
            await self.cards.say(place, said, key=f"{request.id}:drift")
