"""What people had against a call that was proposed: they rejected it, or put another one in its place."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.approval import ApprovalRequest, ApprovalStatus
from core.stepped_plan import steps_of
from core.tool_call import Plan, ToolCall

EDITED = "Edited by "
"""What the outcome of a request begins with that a person's edit has ended."""


class Objection(BaseModel):
    """One person's word against one planned call; `words` are theirs and untrusted. An edit is a word against exactly
    that call, a rejection against that tool on that target."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["edited", "rejected"]
    plan: Plan
    person: str
    words: str
    approval_id: str

    def forbids(self, plan: Plan) -> bool:
        """True for a planned call that must not be proposed again where this was said."""
        if self.kind == "edited":
            return plan.call == self.plan.call
        target = (plan.call.name, plan.service, plan.env)
        return any(target == (old.call.name, old.service, old.env) for old in steps_of(self.plan))

    def is_against(self, call: ToolCall) -> bool:
        """The same for a call that is not planned yet, as far as can be told; what it leaves out may be a default."""
        for old in steps_of(self.plan):
            same = call.args.get("service", old.service) == old.service
            if self.kind == "edited":
                same = call.args.items() <= old.call.args.items()
            if call.name == old.call.name and same:
                return True
        return False


def rejection_of(request: ApprovalRequest) -> Objection | None:
    """Return the rejection by somebody else than who asked; None for a withdrawal and for every other end."""
    if request.status is not ApprovalStatus.REJECTED:
        return None
    same = request.requirement.same_human
    for vote in request.votes:
        if vote.choice == "reject" and not same(vote.person, request.requester):
            return _objection("rejected", request, vote.person, vote.reason)
    return None


def objections_in(requests: Sequence[ApprovalRequest]) -> tuple[Objection, ...]:
    """Return what people had against these requests, in their order; an undo is nobody's proposal."""
    edits = {request.replaces: request for request in requests if request.replaces}
    found: list[Objection] = []
    for request in requests:
        new = edits.get(request.id)
        rejection = rejection_of(request)
        if request.rollback_of is None and rejection is not None:
            found.append(rejection)
        elif request.rollback_of is None and new is not None:
            found.append(_objection("edited", request, new.requester, new.reason))
    return tuple(found)


def _objection(kind: Literal["edited", "rejected"], old: ApprovalRequest, person: str, words: str) -> Objection:
    return Objection(kind=kind, plan=old.plan, person=person, words=words, approval_id=old.id)
