"""One quiet line that shows how far the history is signed, and the head to be copied out."""

from bot.blocks import rich
from bot.blocks.text import Block
from core.audit_head import SignedHead


def build_signed_head(head: SignedHead) -> list[Block]:
    """Return the line; it is code, so that nothing in it is turned into something else."""
    told = rich.words(f"History is signed up to row {head.sequence}: ")
    return [rich.block(rich.line(told, rich.words(str(head), "code")))]
