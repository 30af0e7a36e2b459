"""Whether a stored request still is the one that was asked for: a row that anybody else has written to says so here."""

from core.approval import ApprovalRequest
from core.errors import TamperedError
from core.ports import Audit
from core.tool_call import plan_digest

ASKED = "ApprovalRequested"
FOUND = "TamperingFound"

_PLAN = "what it would run, or who may decide it, is not what was asked for"
_CLOCKS = "its clocks are not those that policy set"
_DIGEST = "its digest is not the one that the history tells of"


def digest_of(request: ApprovalRequest) -> str:
    """Return the digest of what the row holds now."""
    return plan_digest(request.plan, requester=request.requester, requirement=request.requirement)


def fault_of(request: ApprovalRequest) -> str:
    """Return what in the row cannot have been written by us, or an empty text."""
    needed = request.requirement
    if digest_of(request) != request.digest:
        return _PLAN
    if request.decide_by - request.created_at > needed.decide_within:
        return _CLOCKS
    if request.execute_by and request.decided_at and request.execute_by - request.decided_at > needed.execute_within:
        return _CLOCKS
    return ""


async def check_untouched(request: ApprovalRequest, audit: Audit) -> None:
    """TamperedError for a row that is not what we wrote; whoever has mended its digest as well is told by the history,
    which is chained and signed. What wrote no line of its own there has only the row."""
    fault = fault_of(request)
    for event in await audit.of_subject(request.id) if not fault else ():
        if event.kind == ASKED and event.details.get("digest", request.digest) != request.digest:
            fault = _DIGEST
    if fault:
        raise TamperedError(f"The stored request was changed outside Watchkeeper: {fault}")
