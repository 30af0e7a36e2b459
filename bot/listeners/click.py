"""Who pressed what, out of a verified interaction payload; the button's value is an id and nothing more is believed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from core.brief import Place


@dataclass(frozen=True, slots=True)
class Click:
    """One press of a button; `place` has an empty channel when it was pressed in App Home or a modal."""

    person: str
    value: str
    trigger_id: str
    place: Place

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read a block_actions payload."""
        container = body.get("container") or {}
        return cls(
            person=body["user"]["id"],
            value=body["actions"][0].get("value") or "",
            trigger_id=body.get("trigger_id") or "",
            place=Place(
                channel=container.get("channel_id") or "",
                thread_ts=container.get("thread_ts") or container.get("message_ts") or "",
            ),
        )
