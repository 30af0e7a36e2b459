"""How a decided request is spoken of."""

from core.approval import ApprovalRequest, ApprovalStatus


def said_of(status: ApprovalStatus) -> str:
    """Return the status as it follows on "is already" or "is"."""
    overs = {
        ApprovalStatus.RAN_OUT: "over (it ran out)",
        ApprovalStatus.NOT_RUN: "over (it was not run)",
        ApprovalStatus.TAMPERED: "stopped (it was changed outside Watchkeeper)",
    }
    return overs.get(status, status.value)


def already(request: ApprovalRequest) -> str:
    """Return what whoever comes too late is told."""
    status = request.status
    winning = "reject" if status is ApprovalStatus.REJECTED else "approve"
    people = ", ".join(dict.fromkeys(f"<@{vote.person}>" for vote in request.votes if vote.choice == winning))
    if not people or status is ApprovalStatus.EXPIRED:
        by = ""
    elif status in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED):
        by = f" by {people}"
    else:
        by = f" (approved by {people})"
    return f"This request is already {said_of(status)}{by}; nothing was changed."
