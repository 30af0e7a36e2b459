"""From one step of a plan to the next, and from a failed one back: each is a request of its own in the same run."""

from dataclasses import dataclass
from datetime import datetime

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Proposal
from core.errors import StaleApprovalError
from core.ids import MOST_ATTEMPTS, approval_id_of, remediation_id_in
from core.ports import Approvals, Clock, Queue
from core.services.approval_desk import resume_job
from core.services.remediation_rows import rows_of
from core.stepped_plan import covered_plan, covers, next_to_undo, number_of, whole_undo
from core.tool_call import Plan, plan_digest


@dataclass(frozen=True, slots=True)
class Steps:
    """Makes the proposals and the covered requests of one plan; the same rows give the same, so all may be repeated."""

    approvals: Approvals
    queue: Queue
    clock: Clock

    async def next(self, proposal: Proposal, request: ApprovalRequest) -> Proposal:
        """Return the proposal of the step that comes after an executed one."""
        covering = await self._covering(request)
        undone = None
        if proposal.rollback_of is not None:
            earlier = await self.approvals.load(proposal.rollback_of)
            found = whole_undo(await rows_of(self.approvals, earlier.thread_id))
            if found is None or found[0].plan.rollback != proposal.then[0]:
                raise StaleApprovalError("What is left to be undone is not what was approved to be undone.")
            undone = found[0]
        return proposal.model_copy(
            update={
                "call": proposal.then[0],
                "then": proposal.then[1:],
                "rollback_of": undone.id if undone else None,
                "covered_by": covering.id if covers(covering, undone) else None,
                "reopens": None,
            }
        )

    async def undo(self, proposal: Proposal, thread_id: str) -> tuple[Proposal, int] | None:
        """Return the proposal that undoes the newest step that stands, and which attempt that is; None when nothing is
        left that could be undone."""
        rows = await rows_of(self.approvals, thread_id)
        undone = next_to_undo(rows)
        if undone is None or undone.plan.rollback is None:
            return None
        covering = await self._covering(undone)
        changes = {
            "call": undone.plan.rollback,
            "then": (),
            "rollback_of": undone.id,
            "covered_by": covering.id if covers(covering, undone) else None,
            "reopens": None,
            "reason": f"Undo step {number_of(rows, undone)}, because a later step failed. {undone.reason}",
        }
        return proposal.model_copy(update=changes), len(rows) + 1

    async def plan(self, proposal: Proposal, approval_id: str, thread_id: str) -> Plan:
        """Return what a covered proposal has to run, out of what was approved; StaleApprovalError when that holds for
        nothing of the kind."""
        covering = await self.approvals.load(proposal.covered_by or "")
        undone = await self.approvals.load(proposal.rollback_of) if proposal.rollback_of else None
        ids = [approval_id_of(remediation_id_in(thread_id), number) for number in range(1, MOST_ATTEMPTS + 1)]
        plan = covered_plan(covering, undone, ids.index(approval_id) - ids.index(covering.id))
        if plan is None:
            raise StaleApprovalError("The approval of the plan does not hold for this step.")
        return plan

    async def cover(self, approval_id: str, plan: Plan, proposal: Proposal, thread_id: str) -> ApprovalRequest:
        """Write the row of a step or an undo that is approved with its plan, and the job that brings the verdict."""
        covering = await self.approvals.load(proposal.covered_by or "")
        now, needed = self.clock.now(), covering.requirement
        row = ApprovalRequest(
            id=approval_id,
            digest=plan_digest(plan, requester=proposal.requester, requirement=needed),
            plan=plan,
            requirement=needed,
            requester=proposal.requester,
            reason=proposal.reason,
            thread_id=thread_id,
            incident_id=proposal.incident_id,
            report_id=proposal.report_id,
            rollback_of=proposal.rollback_of,
            covered_by=covering.id,
            channel=proposal.place.channel,
            thread_ts=proposal.place.thread_ts,
            status=ApprovalStatus.APPROVED,
            created_at=now,
            decide_by=now,
            decided_at=now,
            execute_by=self._until(covering, proposal, now),
        )
        told = AuditEvent(
            kind="ApprovalRequested",
            actor="watchkeeper",
            subject=row.id,
            incident_id=row.incident_id,
            at=now,
            details={
                "digest": row.digest,
                "covered_by": covering.id,
                "rule": needed.rule,
                "rollback_of": row.rollback_of or "",
            },
        )
        row = await self.approvals.create(row, told)
        await self.queue.put(resume_job(row, self.clock))
        return row

    def _until(self, covering: ApprovalRequest, proposal: Proposal, now: datetime) -> datetime | None:
        """All steps begin before the plan's own deadline; the undo of a failed one has as long as that gave."""
        in_time = proposal.rollback_of is None or covering.rollback_of is not None
        return covering.execute_by if in_time else now + covering.requirement.execute_within

    async def _covering(self, request: ApprovalRequest) -> ApprovalRequest:
        return await self.approvals.load(request.covered_by) if request.covered_by else request
