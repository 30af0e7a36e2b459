"""The card of an event that was given up: what it was, why, since when, and what to do about it."""

from collections.abc import Sequence

from bot import identifiers
from bot.blocks.text import Block, context, date, fields, header, inert, mention, section
from core.dead_letter import DeadLetter

_DAY = "{date_short_pretty} {time}"
_SAID = {
    "alert": "an alert",
    "api.ask": "what another system asked for",
    "api.vote": "a vote over the API",
    "job.ask": "a question",
    "job.investigate": "an investigation",
    "job.propose": "a proposal",
    "job.refresh": "a refresh of a card",
    "job.resume": "a decision on its way to its action",
    "slack.events_api": "a message from Slack",
    "slack.interactive": "a click in Slack",
    "slack.slash_commands": "a slash command",
    "unreadable": "an entry that is no event",
}


def dead_letter_text(letter: DeadLetter) -> str:
    """The card in one line, for notifications and screen readers."""
    return f"{_state(letter)}: {what_of(letter.kind)} ({inert(letter.error, 200) or 'no error'})"


def what_of(kind: str) -> str:
    """Say what an event of that kind is."""
    return _SAID.get(kind, inert(kind, 80))


def many_text(letters: Sequence[DeadLetter]) -> str:
    """Say in one message that many were given up; the command line lists them."""
    kinds = [letter.kind for letter in letters]
    counted = ", ".join(f"{kinds.count(kind)} x {kind}" for kind in sorted(set(kinds)))
    gone = sum(letter.event is None for letter in letters)
    kept = f"What {gone} of them said is gone, the rest is kept" if gone else "Nothing of it is lost"
    return (
        f"☠️ I gave up {len(letters)} events at once ({counted}). {kept}: "
        "`python -m bot dead list` shows them, `dead retry ID` and `dead discard ID` decide."
    )


def build_dead_letter_card(letter: DeadLetter) -> list[Block]:
    """Return the card for the row's status; buttons stand on it until somebody has decided."""
    blocks = [
        header(f"{'☠️' if letter.status == 'dead' else '✉️'} {_state(letter)}"),
        fields(
            f"*What*\n{what_of(letter.kind)} ({inert(letter.kind, 80)})",
            f"*Attempts*\n{letter.attempts}",
            f"*Came*\n{date(letter.received_at, _DAY)}",
            f"*Error*\n{inert(letter.error, 300) or 'none'}",
        ),
        section(_sentence(letter)),
        context(f"{inert(letter.id, 200)} · key {inert(letter.key, 200)}"),
    ]
    return [*blocks, _buttons(letter)] if letter.status == "dead" else blocks


def _state(letter: DeadLetter) -> str:
    if letter.status == "dead":
        return "Given up"
    if letter.status == "taken":
        return "Tried again"
    return "Discarded" if letter.error else "Done after all"


def _sentence(letter: DeadLetter) -> str:
    at = f" {date(letter.ended_at, _DAY)}" if letter.ended_at else ""
    if letter.status == "dead" and letter.event is None:
        return f"I gave this up{at}. What it said is gone with the queue, so whoever sent it has to send it again."
    if letter.status == "dead":
        return f"I gave this up{at}. Nothing of it is lost; it waits for somebody to decide."
    by = f" by {mention(letter.decided_by)}" if letter.decided_by else ""
    if letter.status == "taken":
        return f"Sent on its way again{by}."
    return f"Discarded{by}{at}; nothing more happens." if letter.error else f"It went well{at}, sent again{by}."


def _buttons(letter: DeadLetter) -> Block:
    retry = _button(identifiers.DEAD_RETRY, "Try again", letter, "primary")
    discard = _button(identifiers.DEAD_DISCARD, "Discard", letter, "danger")
    elements = [retry, discard] if letter.can_be_retried else [discard]
    return {"type": "actions", "block_id": identifiers.DEAD_BLOCK, "elements": elements}


def _button(action_id: str, label: str, letter: DeadLetter, style: str) -> Block:
    return {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": label},
        "value": letter.id,
        "style": style,
        "accessibility_label": f"{label}: {what_of(letter.kind)}"[:75],
    }
