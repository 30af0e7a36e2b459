"""A plan of several steps: the plan of each step's own request, what has to be undone next, and what stands where.

Every step and every undo is a request of its own with one action; all requests of a remediation, oldest first, are the
rows that these functions are given."""

from collections.abc import Sequence

from core.approval import ApprovalRequest, ApprovalStatus
from core.tool_call import Plan, ToolCall

MOST_STEPS = 6

VERSION = "resource_version"
"""What every precondition says of its target's state."""

AS_LEFT = "as the step before left it"
"""In the place of a version: the one that the newest act of the same plan on that target left behind."""

Rows = Sequence[ApprovalRequest]


def steps_of(plan: Plan) -> tuple[Plan, ...]:
    """Return each step alone, in order; one for a plan of one step."""
    return (plan.model_copy(update={"then": ()}), *plan.then)


def in_a_row(steps: Sequence[Plan]) -> Plan:
    """Return the plan of these steps, the first of which is what its request runs."""
    return steps[0].model_copy(update={"then": tuple(steps[1:])})


def is_stepped(rows: Rows) -> bool:
    """True for a plan of more than one step, whatever became of them."""
    return bool(rows) and bool(rows[0].plan.then)


def covers(covering: ApprovalRequest, rollback_of: ApprovalRequest | None) -> bool:
    """True when the approval of `covering` also holds for its later steps, or for the undo of one of its steps.

    An undo is covered by the approval of its step only where it is the same tool: no other rating was shown."""
    undone = rollback_of
    if undone is None or covering.rollback_of is not None:
        return covering.requirement.steps == "whole"
    same = undone.plan.rollback is not None and undone.plan.rollback.name == undone.plan.call.name
    return covering.requirement.rollback == "covered" and same and covering.id == (undone.covered_by or undone.id)


def covered_plan(covering: ApprovalRequest, rollback_of: ApprovalRequest | None, ahead: int) -> Plan | None:
    """Return what exactly a request that is covered has to run, `ahead` requests after `covering`; None when that
    approval holds for nothing of the kind."""
    if not covers(covering, rollback_of):
        return None
    if rollback_of is not None and covering.rollback_of is None:
        return undo_of(rollback_of.plan)
    rest = steps_of(covering.plan)[ahead:]
    return in_a_row(rest) if ahead > 0 and rest else None


def undo_of(step: Plan) -> Plan | None:
    """Return the undo of a step that was carried out, to run on the state that the plan has left; None if it has
    none."""
    if step.rollback is None:
        return None
    kept = {"rollback": None, "precondition": {VERSION: AS_LEFT}, "diff": "", "then": ()}
    return step.model_copy(update={"call": step.rollback, **kept})


def standing(rows: Rows) -> list[ApprovalRequest]:
    """Return the steps that were carried out and still stand, the newest first."""
    return [row for row in reversed(rows) if row.rollback_of is None and row.status is ApprovalStatus.EXECUTED]


def next_to_undo(rows: Rows) -> ApprovalRequest | None:
    """Return the newest step that stands and can be undone, once: None when one of the undos has come to nothing."""
    undos = [row for row in rows if row.rollback_of is not None]
    if any(row.status is not ApprovalStatus.EXECUTED for row in undos):
        return None
    tried = {row.rollback_of for row in undos}
    return next((row for row in standing(rows) if row.plan.rollback is not None and row.id not in tried), None)


def whole_undo(rows: Rows) -> tuple[ApprovalRequest, tuple[ToolCall, ...]] | None:
    """Return the newest step that stands and can be undone, and the undos of all such steps, in reverse order."""
    found = [row for row in standing(rows) if row.plan.rollback is not None]
    return (found[0], tuple(row.plan.rollback for row in found if row.plan.rollback)) if found else None


def is_cut_off(rows: Rows) -> bool:
    """True when the next step or undo should have been asked for and was not."""
    if not rows:
        return False
    last = rows[-1]
    if last.status is ApprovalStatus.EXECUTED:
        return bool(last.plan.then) or (last.rollback_of is not None and _failed(rows) and bool(next_to_undo(rows)))
    return _failed(rows[-1:]) and next_to_undo(rows) is not None


def _failed(rows: Rows) -> bool:
    ends = (ApprovalStatus.FAILED, ApprovalStatus.SUPERSEDED)
    return any(row.rollback_of is None and row.status in ends for row in rows)


def number_of(rows: Rows, row: ApprovalRequest) -> int:
    """Return which step (from 1) a request is for, or undoes."""
    ids = [each.id for each in rows]
    return ids.index(row.rollback_of if row.rollback_of in ids else row.id) + 1


def overall(rows: Rows) -> ApprovalStatus:
    """Return how the whole stands, in the words that one request has."""
    forward = [row for row in rows if row.rollback_of is None] or list(rows)
    for row in rows:
        if row not in forward and row.status is not ApprovalStatus.EXECUTED:
            under_way = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)
            kept = row.status if row.status is ApprovalStatus.UNKNOWN else ApprovalStatus.ROLLBACK_FAILED
            return ApprovalStatus.APPROVED if row.status in under_way else kept
    if any(row.status is ApprovalStatus.ROLLED_BACK for row in forward):
        return ApprovalStatus.APPROVED if whole_undo(rows) else ApprovalStatus.ROLLED_BACK
    last = forward[-1]
    return ApprovalStatus.APPROVED if last.status is ApprovalStatus.EXECUTED and last.plan.then else last.status


def as_whole(request: ApprovalRequest, rows: Rows) -> ApprovalRequest:
    """Return the request of a whole plan as it stands with all its steps; any other one as it is."""
    own = [row for row in rows if request.id in (row.id, row.covered_by)]
    if request.requirement.steps != "whole" or len(own) < 2:
        return request
    status = overall(rows)
    ends = {ApprovalStatus.PENDING, ApprovalStatus.APPROVED, ApprovalStatus.EXECUTED}
    text = own[-1].outcome_text if status is ApprovalStatus.EXECUTED else ""
    if status not in ends:
        last = next((row for row in own if row.status not in (*ends, ApprovalStatus.ROLLED_BACK)), own[-1])
        text = f"Step {number_of(rows, last)}: {last.outcome_text} {what_stands(rows)}"
    return request.model_copy(update={"status": status, "outcome_text": text, "finished_at": own[-1].finished_at})


def what_stands(rows: Rows) -> str:
    """Return in a sentence which steps still stand, on what and where; for people who have to put it right."""
    found = [
        f"step {number_of(rows, row)} (`{row.plan.call.name}` on {row.plan.service} in {row.plan.env})"
        for row in reversed(standing(rows))
    ]
    if not found:
        return "Nothing of the plan stands."
    return f"What stands: {', '.join(found)}."
