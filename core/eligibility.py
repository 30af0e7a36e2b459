"""Whose approval a request could still count, as far as the request itself says; of groups Slack knows more."""

from core.approval import ApprovalRequest


def may_still_approve(request: ApprovalRequest, person: str) -> bool:
    """False for whoever asked, for whom it is and for who has voted, each with every account; only a hint: the desk
    decides."""
    needed = request.requirement
    barred = [vote.person for vote in request.votes]
    barred += [request.requester] if needed.exclude_requester else []
    barred += [request.plan.beneficiary] if needed.exclude_beneficiary and request.plan.beneficiary else []
    return not any(needed.same_human(person, other) for other in barred)
