"""An approval request, the votes on it and the tally: who decided what, over exactly which digest."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.requirement import Requirement
from core.tool_call import Plan


class ApprovalStatus(StrEnum):
    """The words people see. The first is open; the next four end the decision; the next four end a request of
    which nothing ran; the last five tell of the effect."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    FROZEN = "frozen"
    RAN_OUT = "ran out"
    NOT_RUN = "not run"
    TAMPERED = "tampered"
    EXECUTED = "executed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ROLLED_BACK = "rolled back"
    ROLLBACK_FAILED = "rollback failed"


NOTHING_RAN = frozenset(
    {
        ApprovalStatus.EXPIRED,
        ApprovalStatus.SUPERSEDED,
        ApprovalStatus.FROZEN,
        ApprovalStatus.RAN_OUT,
        ApprovalStatus.NOT_RUN,
    }
)
"""The ends that nobody chose and after which nothing has changed: such a request may be asked for again."""

Choice = Literal["approve", "reject"]


class Vote(BaseModel):
    """One person's word on one request; `groups` are policy's names for what made it count. `grant_id` is the standing
    grant by which they gave it ahead, `grant_use` the number of that use (from 1)."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    person: str
    choice: Choice
    reason: str = ""
    at: datetime
    groups: tuple[str, ...] = ()
    grant_id: str | None = None
    grant_use: int | None = None


class ApprovalRequest(BaseModel):
    """A snapshot of one approval row; `plan`, `digest` and `requirement` never change after it is written.

    `covered_by` is the request whose votes hold for this one too: a later step of its plan, or the undo of a step."""

    model_config = ConfigDict(frozen=True)

    id: str
    digest: str
    plan: Plan
    requirement: Requirement
    requester: str
    reason: str
    thread_id: str
    incident_id: str | None = None
    report_id: str | None = None
    rollback_of: str | None = None
    reopens: str | None = None
    replaces: str | None = None
    covered_by: str | None = None
    channel: str
    thread_ts: str
    status: ApprovalStatus = ApprovalStatus.PENDING
    created_at: datetime
    decide_by: datetime
    execute_by: datetime | None = None
    decided_at: datetime | None = None
    outcome_text: str = ""
    finished_at: datetime | None = None
    card_ts: str = ""
    reminded: int = 0
    votes: tuple[Vote, ...] = ()

    @property
    def action_id(self) -> str:
        """The id that is stamped on the target, so that a crash can be read back: one request, one action."""
        return f"act_{self.id.removeprefix('apr_')}"


class Grant(BaseModel):
    """What was approved, handed to the guard: nothing runs that does not hash to `digest` before `until`."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    action_id: str
    digest: str
    until: datetime


def tally(requirement: Requirement, votes: Sequence[Vote]) -> ApprovalStatus:
    """Return pending, approved or rejected; distinct humans count, and one reject ends it."""
    if any(vote.choice == "reject" for vote in votes):
        return ApprovalStatus.REJECTED
    if requirement.effect == "deny":
        return ApprovalStatus.PENDING
    approvals = ((vote.person, vote.groups) for vote in votes if vote.choice == "approve")
    met = requirement.effect == "allow" or requirement.is_met(approvals)
    return ApprovalStatus.APPROVED if met else ApprovalStatus.PENDING
