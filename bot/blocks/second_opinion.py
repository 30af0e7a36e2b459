"""The second opinion on a card: its answer and what that changes, and its reasons as quoted data."""

from bot.blocks import rich
from bot.blocks.text import Block, one_line
from core.opinion import Opinion

_SAID = {
    "agree": "agrees.",
    "disagree": "disagrees, so one more person has to sign.",
    "cannot tell": "cannot tell. That changes nothing.",
}


def build_second_opinion(opinion: Opinion | None) -> list[Block]:
    """Return one block, or none where none was asked for; no reason is more than a line of plain words."""
    if opinion is None:
        return []
    who = rich.words(f" ({one_line(opinion.by, 60)}) ")
    parts = [rich.line(rich.words("🧠 Second opinion", "bold"), who, rich.words(_SAID[opinion.answer], "bold"))]
    if opinion.able is not None:
        people = "Nobody" if not opinion.able else f"At most {opinion.able}"
        said = f"{people} could sign, so this cannot be approved as it stands. Reject it, or ask for something else."
        parts.append(rich.line(rich.words(said)))
    parts += [rich.quote(one_line(reason, 300)) for reason in opinion.reasons]
    return [rich.block(*parts)]
