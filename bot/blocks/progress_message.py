"""The message that stands in for a report while it is being made."""

from collections.abc import Sequence

from bot.blocks import rich
from bot.blocks.text import Block, inert, one_line

_SHOWN = 10


def progress_text(doing: Sequence[str]) -> str:
    """The progress in one line."""
    return f"Looking into it: {inert(', '.join(doing), 200)}" if doing else "Looking into it."


def build_progress(done: Sequence[str], doing: Sequence[str]) -> list[Block]:
    """Return what has been looked at (latest last) and what is being looked at."""
    items = [rich.line(rich.words("✓ "), rich.words(one_line(step, 160))) for step in done[-_SHOWN:]]
    items += [rich.line(rich.words("… "), rich.words(one_line(step, 160), "italic")) for step in doing[:_SHOWN]]
    title = rich.line(rich.words("Looking into it", "bold"))
    return [rich.block(title, rich.bullets(items)) if items else rich.block(title)]
