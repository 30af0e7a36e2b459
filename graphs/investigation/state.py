"""What an investigation thread remembers: the case at hand, and the earlier questions and answers of its thread."""

from typing import Any

from typing_extensions import TypedDict

from core.brief import Brief
from prompts.registry import released_versions

GRAPH_VERSION = "investigation/1"
HISTORY_LIMIT = 12


Update = dict[str, Any]


class InvestigationState(TypedDict):
    """Plain JSON. `history` and `subject` outlive a run; the rest belongs to the run of `brief`."""

    graph_version: str
    prompts: dict[str, int]
    brief: dict[str, Any]
    history: list[dict[str, str]]
    subject: str
    intent: dict[str, Any]
    alerts: list[dict[str, Any]]
    acts: list[dict[str, Any]]
    incidents: list[str]
    objections: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    seconds: float
    judgement: dict[str, Any]


def new_input(brief: Brief) -> Update:
    """Return the input of a fresh run; what the thread remembers is not in it and therefore stays."""
    return {
        "graph_version": GRAPH_VERSION,
        "prompts": released_versions(),
        "brief": brief.model_dump(mode="json"),
        "intent": {},
        "alerts": [],
        "acts": [],
        "incidents": [],
        "objections": [],
        "evidence": [],
        "seconds": 0.0,
        "judgement": {},
    }
