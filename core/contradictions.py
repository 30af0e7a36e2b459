"""Holds the rows of one request against its history, which is chained and signed as they are not."""

from collections.abc import Iterator, Sequence

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus, output_sha256
from core.storable import storable_words
from core.tampering import FOUND, digest_of

ANOTHER_PLAN = (
    "plan, requester and requirement do not give the request's digest, or an earlier version of this program wrote it"
)
"""The one contradiction that may be nobody's deed; and nothing runs by such a plan, for the guard asks the same."""
_EFFECTS = {
    "EffectIntended": EffectStatus.INTENT,
    "EffectDone": EffectStatus.DONE,
    "EffectFailed": EffectStatus.FAILED,
    "EffectUnknown": EffectStatus.UNKNOWN,
}
_ENDS = {
    "ApprovalExpired": ApprovalStatus.EXPIRED.value,
    "ApprovalSuperseded": ApprovalStatus.SUPERSEDED.value,
    FOUND: ApprovalStatus.TAMPERED.value,
}
_UNAPPROVED = frozenset({ApprovalStatus.PENDING, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED})
"""What no approved request can become; one whose act was refused may well end as superseded."""


def contradictions(request: ApprovalRequest, effect: Effect | None, history: Sequence[AuditEvent]) -> list[str]:
    """Return a sentence for each row that is not what the history of the request, oldest first, says of it."""
    found = [] if digest_of(request) == request.digest else [ANOTHER_PLAN]
    if not any(event.kind == "ApprovalRequested" for event in history):
        found.append("the history does not know that anybody asked for it")
    for event in history:
        if event.details.get("digest", request.digest) != request.digest:
            found.append(f"{event.kind} is about another digest than the request")
    return [*found, *_of_status(request, history), *_of_votes(request, history), *of_effect(effect, history)]


def _of_status(request: ApprovalRequest, history: Sequence[AuditEvent]) -> Iterator[str]:
    told = ApprovalStatus.PENDING.value
    if request.covered_by is not None and any(
        event.kind == "ApprovalRequested" and event.details.get("covered_by") == request.covered_by for event in history
    ):
        told = ApprovalStatus.APPROVED.value  # with the plan that it is a step of
    for event in history:
        told = str(event.details.get("verdict")) if event.kind == "ApprovalDecided" else _ENDS.get(event.kind, told)
    approved = told == ApprovalStatus.APPROVED.value and request.status not in _UNAPPROVED
    if not approved and request.status.value != told:
        yield f"it is {request.status.value}, where the history leaves it {told}"


def _of_votes(request: ApprovalRequest, history: Sequence[AuditEvent]) -> Iterator[str]:
    kept = {vote.person: (vote.choice, storable_words(vote.reason)) for vote in request.votes}
    cast = {
        event.actor: (str(event.details.get("choice")), storable_words(str(event.details.get("reason", ""))))
        for event in history
        if event.kind == "VoteCast"
    }
    for person in sorted(kept.keys() | cast.keys()):
        if kept.get(person) != cast.get(person):
            yield f"the vote of {person} is {_said(kept.get(person))}, where the history says {_said(cast.get(person))}"


def _said(vote: tuple[str, str] | None) -> str:
    return " ".join(("none",) if vote is None else (vote[0], f"({vote[1][:80]})" if vote[1] else "")).strip()


def of_effect(effect: Effect | None, history: Sequence[AuditEvent]) -> Iterator[str]:
    """Yield a sentence for each thing in a request's row of the ledger that its history gainsays. Both are of one
    snapshot, or the history was read first and the row is missing or done, which it stays."""
    told = [event for event in history if event.kind in _EFFECTS]
    if effect is None or not told:
        if effect is not None:
            yield "the history knows of no effect"
        elif told:
            yield f"its effect is gone, where the history says {_EFFECTS[told[-1].kind].value}"
        return
    if effect.status is not _EFFECTS[told[-1].kind]:
        yield f"its effect is {effect.status.value}, where the history says {_EFFECTS[told[-1].kind].value}"
    for event in told:
        if event.kind == "EffectIntended" and effect.args != event.details.get("args", effect.args):
            yield "the effect is not the one that was begun"
    output = next((event.details["output_sha256"] for event in reversed(told) if "output_sha256" in event.details), "")
    if output and output != output_sha256(effect.text, effect.data):
        yield "the effect's output is not the one that was written down"
