"""Tells a newcomer what to do next: one short story, ticked off as the workspace shows its steps done."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

CHANNEL = "C0INCIDENTS"


@dataclass(frozen=True)
class Seen:
    """What stands in #incidents: an approval card's status and all of its words, and what only Alice was told."""

    incident: bool
    cards: tuple[tuple[str, str], ...]
    told_alice: tuple[str, ...]

    def says(self, *words: str) -> bool:
        """Whether some card says one of these."""
        return any(word in text for _, text in self.cards for word in words)

    def is_any(self, *statuses: str) -> bool:
        """Whether some request has come to one of these."""
        return any(status in statuses for status, _ in self.cards)


@dataclass(frozen=True)
class Step:
    """One thing to do, and how one sees that it is done."""

    text: str
    done: Callable[[Seen], bool]


STORY = (
    Step(
        "Break something: in the *Patient* drawer press *Inject* beside *Slow payments*. Within seconds an incident "
        "card appears here.",
        lambda seen: seen.incident,
    ),
    Step(
        "Open its thread. Two people have to sign, one of sre and one of payments. As *Alice* press *Edit* and ask "
        "for 6 workers.",
        lambda seen: seen.is_any("superseded"),
    ),
    Step(
        "An edit is a new request, in Alice's name. Press *Approve* on it as Alice: whoever asked cannot sign.",
        lambda seen: any("began with you" in text for text in seen.told_alice),
    ),
    Step("Act as *Carol* (of sre) and approve: that is one of two.", lambda seen: seen.says("<@U0CAROL> approved")),
    Step(
        "Act as *Dana* (of payments) and approve: the second signature runs it, once, and the alert ends.",
        lambda seen: seen.is_any("executed", "rolled back"),
    ),
    Step(
        "Act as *Carol* and press *Undo* on that card: it is asked for like any other change.",
        lambda seen: seen.says("This undoes"),
    ),
    Step(
        "Carol asked, so *Alice* (of sre) and *Dana* (of payments) sign the undo.",
        lambda seen: seen.is_any("rolled back"),
    ),
)
THE_END = "That was the round. Press *Heal everything* and try another fault, or write `/ops freeze on` as Alice."


class Guide:
    """Keeps the hints of one panel as far as the story has come, and has open pages show them."""

    def __init__(self, ws: "Workspace", panel: dict[str, Any]) -> None:
        self._ws = ws
        self._panel = panel
        self._at = -1
        self._tell()

    async def follow(self) -> None:
        """Look again whenever something changes; never ends by itself."""
        while True:
            change = self._ws.live.next_change()
            self._tell()
            await change.wait()

    def _tell(self) -> None:
        seen = self._look()
        # Whoever goes another way is not held up by a step that they left out.
        at = max([number for number, step in enumerate(STORY, 1) if step.done(seen)], default=0)
        if at <= self._at:
            return
        self._at = at
        hints = [{"text": step.text, "done": number < at} for number, step in enumerate(STORY)]
        self._panel["hints"] = [*hints, {"text": THE_END, "done": False}]
        self._ws.live.publish({"type": "hints", "hints": self._panel["hints"]})

    def _look(self) -> Seen:
        channel = self._ws.state.channels[CHANNEL]
        bodies = [message.body for message in channel.messages.values()]
        cards = [body for body in bodies if _kind(body) == "watchkeeper_approval"]
        return Seen(
            incident=any(_kind(body) == "watchkeeper_incident" for body in bodies),
            cards=tuple((_status(body), json.dumps(body.get("blocks"), ensure_ascii=False)) for body in cards),
            told_alice=tuple(str(each.body.get("text")) for each in channel.ephemerals if each.viewer == "U0ALICE"),
        )


def _kind(body: Mapping[str, Any]) -> str:
    return (body.get("metadata") or {}).get("event_type", "")


def _status(body: Mapping[str, Any]) -> str:
    return body["metadata"]["event_payload"].get("status", "")
