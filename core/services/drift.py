"""Requests whose target or policy moves on while they wait: ended, before anybody approves what could not run any
more."""

from dataclasses import dataclass

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Place
from core.ports import ApprovalQueue, Approvals, Cards, Clock, Queue, Rules, ToolBox
from core.services.approval_desk import resume_job


@dataclass(frozen=True, slots=True)
class DriftWatch:
    """One tick plans anew whatever waits. The guard refuses what has drifted in any case, and the desk what was asked
    for under another policy; here people hear of it while they can still ask for what fits."""

    toolbox: ToolBox
    policy: Rules
    approvals: Approvals
    approval_queue: ApprovalQueue
    cards: Cards
    queue: Queue
    clock: Clock

    async def tick(self) -> None:
        """End every waiting request whose plan would be another one now, and every one of another policy; a target that
        does not answer proves nothing. Safe to repeat, and beside votes: one claim wins."""
        for request in await self.approval_queue.pending():
            if request.requirement.policy_sha256 != self.policy.sha256:
                await self._end(request, "the policy", "The policy has changed since it was asked for.")
            elif drift := await self.toolbox.drift(request):
                await self._end(request, drift, f"Its target has changed since it was asked for: {drift}.")

    async def _end(self, request: ApprovalRequest, drift: str, why: str) -> None:
        now = self.clock.now()
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
