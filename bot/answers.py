"""The worker's answer to a form, handed back to the web side while Slack still waits for it."""

from collections.abc import Mapping
from typing import Any, Protocol

from bot.identifiers import ANSWERED_VIEWS


class Answers(Protocol):
    """One answer for each event, and either side may give up on it."""

    async def give(self, event_id: str, answer: str) -> bool:
        """Leave the answer; False when whoever waited has gone. The same answer again is on time if the first was."""
        ...

    async def wait(self, event_id: str, seconds: float) -> str:
        """Return the answer, or an empty text when there is none in time; from then on it comes too late."""
        ...


def waits_for_answer(payload: Mapping[str, Any]) -> bool:
    """True for a submitted form that stays open with what is wrong in it."""
    view = payload.get("view")
    if payload.get("type") != "view_submission" or not isinstance(view, Mapping):
        return False
    return view.get("callback_id") in ANSWERED_VIEWS
