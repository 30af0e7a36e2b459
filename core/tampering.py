"""Whether a stored request still is the one that was asked for and decided: a row that anybody else has written to says
so here, as the history is chained and signed, and rows are not."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.errors import TamperedError
from core.ports import Audit
from core.tool_call import plan_digest

ASKED, CAST, DECIDED, DONE = "ApprovalRequested", "VoteCast", "ApprovalDecided", "EffectDone"
FOUND = "TamperingFound"

_PLAN = "what it would run, or who may decide it, is not what was asked for"
_CLOCKS = "its clocks are not those that policy set"
_DIGEST = "its digest is not the one that the history tells of"
_UNASKED = "the history does not know that anybody asked for it"
_VOTES = "its votes are not those that the history tells of"
_UNDECIDED = "the history does not know that it was approved"
_UNDONE = "the history does not know that it was carried out"
# A line is written in the transaction of its row, but may have looked at the clock a moment before or after it.
_MOMENT = timedelta(seconds=30)
_CARRIED_OUT = frozenset({ApprovalStatus.EXECUTED, ApprovalStatus.ROLLED_BACK})


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


def unrecorded(request: ApprovalRequest, history: Sequence[AuditEvent]) -> str:
    """Return what in the row its history, read after it, does not know, or an empty text. What the history knows
    besides may have come since, until the request is approved: from then on nobody can vote."""
    asked, undoes = [event for event in history if event.kind == ASKED], request.rollback_of or ""
    if not asked:
        return _UNASKED
    if any(event.details.get("digest", request.digest) != request.digest for event in asked):
        return _DIGEST
    if any(event.details.get("rollback_of", undoes) != undoes for event in asked):
        return _PLAN
    if _is_later(request.created_at, asked):
        return _CLOCKS
    if request.status in _CARRIED_OUT and not any(event.kind == DONE for event in history):
        return _UNDONE
    if request.covered_by is not None:
        # Approved with its plan, in the moment in which it was asked for.
        if [event.details.get("covered_by") for event in asked] != [request.covered_by]:
            return _UNDECIDED
        return _CLOCKS if request.decided_at and _is_later(request.decided_at, asked) else ""
    kept = {(vote.person, vote.choice, vote.grant_id or "") for vote in request.votes}
    cast = set(_ballots(history))
    if request.execute_by is None:
        return "" if kept <= cast else _VOTES
    decided = [event for event in history if event.kind == DECIDED]
    if not decided or any(event.details.get("verdict") != "approved" for event in decided):
        return _UNDECIDED  # also what was rejected, and opened again in the row
    if request.decided_at is None or _is_later(request.decided_at, decided):
        return _CLOCKS
    return "" if kept == cast else _VOTES


def _ballots(history: Sequence[AuditEvent]) -> Iterator[tuple[str, object, object]]:
    for event in history:
        if event.kind == CAST:
            yield event.actor, event.details.get("choice"), event.details.get("grant", "")


def _is_later(at: datetime, told: Sequence[AuditEvent]) -> bool:
    return at > max(event.at for event in told) + _MOMENT


async def check_untouched(request: ApprovalRequest, audit: Audit) -> Sequence[AuditEvent]:
    """Return the request's history; TamperedError for a row that is not what we wrote: one that somebody has put there,
    changed, voted on or approved behind our back, also where its digest was mended."""
    history = await audit.of_subject(request.id)
    if fault := fault_of(request) or unrecorded(request, history):
        raise TamperedError(f"The stored request was changed outside Watchkeeper: {fault}")
    return history
