"""Who may undo at once, and what: where policy lets whoever may approve, pressing Undo is their approval."""

from collections.abc import Sequence

from core.approval import ApprovalRequest
from core.brief import Proposal
from core.errors import NoDataError
from core.ports import Approvals, Audit, Directory
from core.requirement import Requirement
from core.services.membership import groups_of, may_decide
from core.services.remediation_rows import rows_of
from core.stepped_plan import standing, steps_of, whole_undo
from core.tampering import check_untouched
from core.tool_call import Plan


async def undone_by(proposal: Proposal, approvals: Approvals, audit: Audit) -> Sequence[ApprovalRequest]:
    """Return all requests of the run that the proposal undoes, of which those that stand say what undoes them;
    TamperedError when somebody else has written to one of these."""
    try:
        done = await approvals.load(proposal.rollback_of or "")
    except NoDataError:
        return ()
    rows = await rows_of(approvals, done.thread_id)
    for row in standing(rows):
        await check_untouched(row, audit)
    return rows


async def heeding_undo(
    directory: Directory, needed: Requirement, plan: Plan, proposal: Proposal, rows: Sequence[ApprovalRequest]
) -> Requirement:
    """Return what is asked for: the word of whoever pressed Undo, where policy says so, they may approve, and the plan
    is what `rows`, those of `undone_by`, hold as their undo; what policy asks of anybody otherwise."""
    if needed.undo != "allow":
        return needed
    newest, calls = whole_undo(rows) or (None, ())
    is_undo = newest is not None and newest.id == proposal.rollback_of
    is_undo = is_undo and calls == tuple(step.call for step in steps_of(plan))
    person = proposal.requester
    may = is_undo and proposal.pressed_undo and await may_decide(directory, person, fresh=True)
    if may and await groups_of(directory, person, needed.members_of, fresh=True):
        return needed.for_whoever_undoes()
    return needed.model_copy(update={"undo": "approve"})
