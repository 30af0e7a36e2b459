"""A plain sentence in a thread: literal words; people's ids become mentions only where nobody is called by it."""

import re

from bot.blocks import rich
from bot.blocks.budget import head
from bot.blocks.prose import build_prose
from bot.blocks.text import Block, inert

_MENTION = re.compile(r"<@([UW][A-Z0-9]{4,20})>")
_BYTES = 6000


def note_text(text: str) -> str:
    """The sentence for notifications."""
    return inert(_MENTION.sub(r"@\1", text).replace("`", ""), 300) or "…"


def build_note(text: str, *, mentions: bool = False) -> list[Block]:
    """Return the sentence, cut at 6,000 bytes; `mentions` is for ephemeral messages, which call nobody."""
    block = build_prose(head(text, _BYTES)[0])
    if not mentions:
        return [block]
    for part in block["elements"]:
        for line in part["elements"] if part["type"] == "rich_text_list" else [part]:
            line["elements"] = [piece for element in line["elements"] for piece in _with_people(element)]
    return [block]


def _with_people(element: rich.Element) -> list[rich.Element]:
    if element["type"] != "text":
        return [element]
    pieces: list[rich.Element] = []
    for number, piece in enumerate(_MENTION.split(element["text"])):
        if number % 2:
            pieces.append(rich.person(piece))
        elif piece:
            pieces.append(element | {"text": piece})
    return pieces
