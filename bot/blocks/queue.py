"""My queue: what waits for one person, and why for them."""

from collections.abc import Sequence

from bot.blocks.home import Linked, request_line
from bot.blocks.needs import why_you
from bot.blocks.text import Block, context, header, section

QUEUE_WORDS = frozenset({"my queue", "queue", "my approvals", "approvals", "what waits for me", "what waits for me?"})
"""What people write to us directly to see it."""
_SHOWN = 15


def queue_text(count: int) -> str:
    """The answer in one line."""
    return f"{count} request{'' if count == 1 else 's'} waiting for you" if count else "Nothing waits for you."


def build_queue(rows: Sequence[tuple[Linked, tuple[str, ...]]]) -> list[Block]:
    """Return one section for each request with the groups that make it this person's."""
    blocks = [header(queue_text(len(rows)))]
    for (request, link), groups in rows[:_SHOWN]:
        way = f"\n*<{link}|Open the card to decide>*" if link else ""
        blocks.append(section(f"{request_line(request, link)}\n*Why you:* {why_you(request, groups)}.{way}"))
    if rows:
        blocks.append(context("This is how it stood when you asked; write `my queue` again, or see my Home tab."))
    if len(rows) > _SHOWN:
        blocks.append(context(f"and {len(rows) - _SHOWN} more"))
    return blocks
