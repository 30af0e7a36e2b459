"""The one node that waits for people. It does nothing else: whatever stands before interrupt() runs again on resume."""

from typing import Any

from langgraph.types import interrupt
from typing_extensions import TypedDict


class GateState(TypedDict):
    """The part of a state that the gate reads and writes."""

    approval_id: str
    verdict: str


def wait_for_verdict(state: GateState) -> dict[str, Any]:
    """Pause until the runner brings the verdict on `approval_id`; no try around this, ever."""
    return {"verdict": interrupt({"approval_id": state["approval_id"]})}
