"""Where a click is too easy: the approver types the name of the target, and code compares it."""

from core.approval import ApprovalRequest
from core.errors import ConfirmationError
from core.exact_call import plan_fits
from core.risk import Risk


def asks_to_type(request: ApprovalRequest) -> bool:
    """True when policy says so, when what is done cannot be taken back, and when the call is too long for a card."""
    destructive = any(step.risk is Risk.DESTRUCTIVE for step in (request.plan, *request.plan.then))
    return request.requirement.typed_confirmation or destructive or not plan_fits(request.plan)


def check_typed(request: ApprovalRequest, typed: str) -> None:
    """ConfirmationError unless `typed` is the target's name, where that is asked for."""
    if asks_to_type(request) and typed.strip() != request.plan.service:
        raise ConfirmationError(
            f"This approval asks you to type the name of its target, “{request.plan.service}”, exactly. "
            "Your approval was not counted."
        )
