"""What a remediation remembers while it waits: plain JSON values and ids, nothing that could act."""

from typing import Any, Literal

from typing_extensions import TypedDict

GRAPH_VERSION = "remediation/2"

Outcome = Literal["", "helped", "did_not_help", "not_verified"]


Update = dict[str, Any]


class RemediationState(TypedDict):
    """`proposal` is a core Proposal as JSON; `attempt` counts from 1, each attempt is one approval request."""

    graph_version: str
    proposal: dict[str, Any]
    attempt: int
    round: int
    plan: dict[str, Any]
    refusal: str
    approval_id: str
    verdict: str
    result_status: str
    result_text: str
    turn: Literal["", "step", "undo"]
    outcome: Outcome
    signal: str
