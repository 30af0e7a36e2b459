"""Who may undo at once, and what: where policy lets whoever may approve, pressing Undo is their approval."""

from core.brief import Proposal
from core.errors import NoDataError, TamperedError
from core.ports import Approvals, Audit, Directory
from core.requirement import Requirement
from core.services.membership import groups_of, may_decide
from core.services.remediation_rows import rows_of
from core.stepped_plan import standing, steps_of, whole_undo
from core.tampering import check_untouched
from core.tool_call import Plan


async def heeding_undo(
    directory: Directory, approvals: Approvals, audit: Audit, needed: Requirement, plan: Plan, proposal: Proposal
) -> Requirement:
    """Return what is asked for: the word of whoever pressed Undo, where policy says so, they may approve, and the plan
    is what the untouched requests that were carried out hold as their undo; what policy asks of anybody otherwise."""
    if needed.undo != "allow":
        return needed
    person = proposal.requester
    may = proposal.pressed_undo and await may_decide(directory, person, fresh=True)
    may = may and await groups_of(directory, person, needed.members_of, fresh=True)
    if may and await _is_undo(approvals, audit, plan, proposal):
        return needed.for_whoever_undoes()
    return needed.model_copy(update={"undo": "approve"})


async def _is_undo(approvals: Approvals, audit: Audit, plan: Plan, proposal: Proposal) -> bool:
    try:
        done = await approvals.load(proposal.rollback_of or "")
        rows = await rows_of(approvals, done.thread_id)
        for row in standing(rows):
            await check_untouched(row, audit)
    except (NoDataError, TamperedError):
        return False
    newest, calls = whole_undo(rows) or (None, ())
    return newest is not None and newest.id == done.id and calls == tuple(step.call for step in steps_of(plan))
