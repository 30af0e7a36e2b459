"""Why something approved did not run: signs that lead the sentence, so that the ledger alone tells how it ends."""

from core.approval import NOTHING_RAN as _ENDS_OF_NOTHING
from core.approval import ApprovalStatus
from core.effect import EffectStatus

NOTHING_RAN = "nothing ran: "
SUPERSEDED = "superseded: "
FROZEN = "frozen: "
RAN_OUT = "ran out: "
TAMPERED = "tampered: "

_ENDS = {
    SUPERSEDED: ApprovalStatus.SUPERSEDED,
    FROZEN: ApprovalStatus.FROZEN,
    RAN_OUT: ApprovalStatus.RAN_OUT,
    TAMPERED: ApprovalStatus.TAMPERED,
}


def end_of(text: str) -> ApprovalStatus:
    """Return the status of an approved request that was refused with these words."""
    said = text.removeprefix(NOTHING_RAN)
    return next((status for sign, status in _ENDS.items() if said.startswith(sign)), ApprovalStatus.NOT_RUN)


def spoken(text: str) -> str:
    """Return the words without the signs that a card says in its title already."""
    said = text.removeprefix(NOTHING_RAN)
    for sign in _ENDS:
        if said.startswith(sign):
            said = said.removeprefix(sign)
    return said if said == text else said[:1].upper() + said[1:]


def gainsaying(status: ApprovalStatus) -> frozenset[EffectStatus]:
    """Return what the ledger must not say of a request's attempt for the request to end like this."""
    if status in _ENDS_OF_NOTHING or status is ApprovalStatus.TAMPERED:
        return frozenset(EffectStatus) - {EffectStatus.FAILED}
    return frozenset() if status is ApprovalStatus.ROLLED_BACK else frozenset({EffectStatus.INTENT})
