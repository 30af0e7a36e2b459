"""Where a click is too easy: the approver types the names of all targets, and code compares them."""

from core.approval import ApprovalRequest
from core.errors import ConfirmationError
from core.exact_call import plan_fits
from core.risk import Risk
from core.tool_call import Plan


def asks_to_type(request: ApprovalRequest) -> bool:
    """True when policy says so, when what is done cannot be taken back, and when the call is too long for a card."""
    destructive = any(step.risk is Risk.DESTRUCTIVE for step in (request.plan, *request.plan.then))
    return request.requirement.typed_confirmation or destructive or not plan_fits(request.plan)


def wanted_text(plan: Plan) -> str:
    """Return what has to be typed: the target's name, or those of all steps' targets, as `checkout, payments`."""
    return ", ".join(plan.targets)


def check_typed(request: ApprovalRequest, typed: str) -> None:
    """ConfirmationError unless `typed` names the targets, where that is asked for."""
    if asks_to_type(request) and tuple(each.strip() for each in typed.split(",")) != request.plan.targets:
        what = "names of all its targets, in order" if len(request.plan.targets) > 1 else "name of its target"
        raise ConfirmationError(
            f"This approval asks you to type the {what}, “{wanted_text(request.plan)}”, exactly. "
            "Your approval was not counted."
        )
