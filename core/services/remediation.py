"""From a report, an instruction or an Undo click to a request that somebody must countersign."""

from dataclasses import dataclass
from itertools import count

from core.approval import NOTHING_RAN, ApprovalRequest, ApprovalStatus
from core.brief import Place, Proposal
from core.change_words import change_of
from core.decided import said_of
from core.errors import NoDataError, RefusedError
from core.event import Event
from core.evidence import Report
from core.ids import (
    again_id_of,
    approval_id_of,
    conversation_thread_id,
    incident_thread_id,
    remediation_id_of,
    remediation_thread_id,
    undo_id_of,
)
from core.objection import EDITED, rejection_of
from core.ports import ApprovalQueue, Approvals, Clock, GraphRunner, Queue
from core.services.remediation_rows import rows_of
from core.stepped_plan import is_stepped, steps_of, whole_undo

_DOUBLE_CLICK_SECONDS = 10


def reconsider_job(request: ApprovalRequest, clock: Clock) -> Event | None:
    """Return the job that follows a request's rejection; None for what follows from no report, for an undo, for a
    withdrawal and for every other end."""
    if request.report_id is None or request.rollback_of is not None or rejection_of(request) is None:
        return None
    asked = conversation_thread_id(request.channel, request.thread_ts)
    thread = incident_thread_id(request.incident_id) if request.incident_id else asked
    return Event(
        id=f"reconsider:{request.id}",
        kind="job.reconsider",
        key=thread,
        body={"approval_id": request.id},
        received_at=clock.now(),
    )


@dataclass(frozen=True, slots=True)
class Remediation:
    """The use cases around one remediation graph."""

    runner: GraphRunner
    approvals: Approvals
    approval_queue: ApprovalQueue
    queue: Queue
    clock: Clock

    async def propose(self, report: Report, place: Place) -> bool:
        """Queue the report's proposal, if it has one; True when it has."""
        if report.proposal is None:
            return False
        await self._enqueue(
            Proposal(
                remediation_id=remediation_id_of(report.id),
                call=report.proposal,
                then=report.then,
                place=place,
                requester=report.requester,
                reason=report.proposal_reason,
                incident_id=report.incident_id,
                report_id=report.id,
            )
        )
        return True

    async def ask(self, proposal: Proposal) -> None:
        """Queue what another system asks for; the same proposal again changes nothing."""
        await self._enqueue(proposal)

    async def undo(self, approval_id: str, person_id: str) -> None:
        """Queue the rollback of an executed request as a new request; RefusedError when there is nothing to undo."""
        done = await self.approvals.load(approval_id)
        newest, calls = done, (done.plan.rollback,) if done.plan.rollback else ()
        change = change_of(done.plan)
        what = f"{done.plan.call.name} on {done.plan.service}" + (f" ({change})" if change else "")
        rows = await rows_of(self.approvals, done.thread_id)
        if is_stepped(rows) and rows[0].rollback_of is None:
            what, done = f"the plan of {len(steps_of(rows[0].plan))} steps", rows[0]
            if any(row.status in (ApprovalStatus.PENDING, ApprovalStatus.APPROVED) for row in rows):
                raise RefusedError("The plan is still under way; it can be undone once it has ended.")
            newest, calls = whole_undo(rows) or (done, ())
        if newest.status is not ApprovalStatus.EXECUTED or not calls:
            raise RefusedError(f"There is nothing to undo: this request is {said_of(done.status)}.")
        fresh = await self._enqueue(
            Proposal(
                remediation_id=await self._next_undo(done),
                call=calls[0],
                then=calls[1:],
                place=Place(channel=done.channel, thread_ts=done.thread_ts),
                requester=person_id,
                reason=f"Undo of {what}",
                incident_id=done.incident_id,
                report_id=done.report_id,
                rollback_of=newest.id,
                pressed_undo=done.rollback_of is None,  # to undo an undo makes the change again, as it was asked for
            ),
            # An undo that could not be prepared may be asked for again; the two halves of a double click are one.
            attempt=str(int(self.clock.now().timestamp()) // _DOUBLE_CLICK_SECONDS),
        )
        if not fresh:
            raise RefusedError("The undo of this request is on its way already.")

    async def ask_again(self, approval_id: str, person_id: str) -> None:
        """Queue what ended without a run as a new request of whoever asks now, planned anew and without a vote, once
        for each old one; RefusedError says why not. An undo is asked for as the next undo of what it undoes."""
        old = await self.approvals.load(approval_id)
        if old.status not in NOTHING_RAN:
            raise RefusedError(f"There is nothing to ask again: this request is {said_of(old.status)}.")
        if old.outcome_text.startswith(EDITED):
            raise RefusedError("This request was edited: the one in its place is further down in the thread.")
        if old.rollback_of is not None:
            await self.undo(old.rollback_of, person_id)
            return
        remediation_id = again_id_of(old.id)
        if await self._was_asked(remediation_id):
            raise RefusedError("This was asked for again already: its new card is further down in the thread.")
        fresh = await self._enqueue(
            Proposal(
                remediation_id=remediation_id,
                call=old.plan.call,
                then=tuple(step.call for step in old.plan.then),
                place=Place(channel=old.channel, thread_ts=old.thread_ts),
                requester=person_id,
                reason=old.reason,
                incident_id=old.incident_id,
                report_id=old.report_id,
                reopens=old.id,
            ),
            # What could not be planned or policy denied may be tried again; two clicks at once are one.
            attempt=str(int(self.clock.now().timestamp()) // _DOUBLE_CLICK_SECONDS),
        )
        if not fresh:
            raise RefusedError("This is being asked for again already.")

    async def _was_asked(self, remediation_id: str) -> bool:
        try:
            await self.approvals.load(approval_id_of(remediation_id, 1))
        except NoDataError:
            return False
        return True

    async def _next_undo(self, done: ApprovalRequest) -> str:
        """Return the first undo of this request that was never asked for; one that still waits is not asked twice."""
        for number in count(1):
            remediation_id = undo_id_of(done.id, number)
            try:
                earlier = await self.approvals.load(approval_id_of(remediation_id, 1))
            except NoDataError:
                return remediation_id
            if earlier.status in (ApprovalStatus.PENDING, ApprovalStatus.APPROVED):
                raise RefusedError("The undo of this request waits for a decision already.")
        raise AssertionError("unreachable")

    async def start(self, proposal: Proposal) -> None:
        """Run the remediation graph to its gate."""
        await self.runner.remediate(proposal)

    async def resume(self, approval_id: str) -> None:
        """Tell the graph the verdict; whoever comes second finds no gate and only notes the delivery."""
        request: ApprovalRequest = await self.approvals.load(approval_id)
        if request.status is ApprovalStatus.PENDING:
            return
        await self.runner.resume(request)
        if (job := reconsider_job(request, self.clock)) is not None:
            await self.queue.put(job)  # before the note: a crash here has the verdict delivered again
        await self.approval_queue.delivered(request.id)

    async def _enqueue(self, proposal: Proposal, attempt: str = "first") -> bool:
        return await self.queue.put(
            Event(
                id=f"propose:{proposal.remediation_id}:{attempt}",
                kind="job.propose",
                key=remediation_thread_id(proposal.remediation_id),
                body=proposal.model_dump(mode="json"),
                received_at=self.clock.now(),
            )
        )
