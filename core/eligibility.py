"""Whose approval a request could still count, as far as the request itself says; of groups Slack knows more."""

from collections.abc import Iterable

from core.approval import ApprovalRequest


def may_still_approve(request: ApprovalRequest, person: str) -> bool:
    """False for whoever asked, for whom it is and for who has voted, each with every account; only a hint: the desk
    decides."""
    needed = request.requirement
    barred = [vote.person for vote in request.votes]
    barred += [request.requester] if needed.exclude_requester else []
    barred += request.plan.beneficiaries if needed.exclude_beneficiary else ()
    return not any(needed.same_human(person, other) for other in barred)


def would_help(request: ApprovalRequest, person: str, groups: Iterable[str]) -> bool:
    """True when an approval by a member of these groups would bring the request nearer to its end: not that of a second
    one of a group whose seats are taken."""
    if not may_still_approve(request, person):
        return False
    needed = request.requirement
    given = [(vote.person, vote.groups) for vote in request.votes if vote.choice == "approve"]
    return needed.missing([*given, (person, tuple(groups))])[0] < needed.missing(given)[0]
