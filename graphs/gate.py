"""The one node that waits for people. It does nothing else: whatever stands before interrupt() runs again on resume."""

from typing import Any

from langgraph.types import interrupt
from typing_extensions import TypedDict


class GateState(TypedDict):
    """The part of a state that the gate reads and writes."""

    approval_id: str
    verdict: str
    result_status: str
    result_text: str


def wait_for_verdict(state: GateState) -> dict[str, Any]:
    """Pause until the runner brings the verdict on `approval_id` and what came of acting on it; no try around this."""
    return interrupt({"approval_id": state["approval_id"]})
