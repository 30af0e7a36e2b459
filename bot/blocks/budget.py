"""How much one message holds, and where what does not fit is cut: the only splitter."""

import json

from bot.blocks.text import Block

MESSAGE_BYTES = 9000
MESSAGE_BLOCKS = 50


def weight(blocks: list[Block]) -> int:
    """Return the UTF-8 bytes of all text in the blocks, which is what Slack counts."""
    return sum(len(text.encode("utf-8", "replace")) for block in blocks for text in _texts(block))


def fits(blocks: list[Block], *, reserve: int = 0) -> bool:
    """True when the blocks are one message of at most 9,000 bytes and 50 blocks, with `reserve` bytes left."""
    return len(blocks) <= MESSAGE_BLOCKS and weight(blocks) + reserve <= MESSAGE_BYTES


def split(text: str, limit: int) -> list[str]:
    """Cut text into pieces of at most `limit` bytes, at a line end where one is near; joined they are the text."""
    pieces: list[str] = []
    rest = text
    while len(rest.encode("utf-8", "replace")) > limit:
        head = rest.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
        line_end = head.rfind("\n") + 1
        cut = line_end if line_end > len(head) // 2 else len(head)
        pieces.append(rest[:cut])
        rest = rest[cut:]
    return [*pieces, rest] if rest or not pieces else pieces


def head(text: str, limit: int) -> tuple[str, bool]:
    """Return what fits into `limit` bytes, and whether something was left out."""
    pieces = split(text, limit)
    return pieces[0], len(pieces) > 1


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [str(item) for key, item in value.items() if key in ("text", "url") and isinstance(item, str)]
        return own + [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


def as_json(blocks: list[Block]) -> str:
    """Return one stable text of the blocks, to tell whether a card would change."""
    return json.dumps(blocks, sort_keys=True)
