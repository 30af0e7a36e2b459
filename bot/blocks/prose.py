"""An answer's light Markdown as rich text: bold, code and bullets survive, links become mere letters."""

import re

from bot.blocks import rich
from bot.blocks.text import Block
from core.exact_call import is_noise

_SPAN = re.compile(r"\*\*(?P<bold>[^*\n]+)\*\*|`(?P<code>[^`\n]+)`")
_BULLET = re.compile(r"\s*(?:[-*•]|\d+[.)])\s+(?P<item>.+)")
_HEADING = re.compile(r"\s*#{1,6}\s+(?P<title>.+)")


def build_prose(text: str) -> Block:
    """Return one rich text block for a model's or the investigator's answer; nothing in it can link or mention."""
    parts: list[rich.Element] = []
    for raw in _seen(text).strip().splitlines():
        bullet = _BULLET.match(raw)
        if bullet and parts and parts[-1]["type"] == "rich_text_list":
            parts[-1]["elements"].append(_line(bullet["item"]))
        elif bullet:
            parts.append(rich.bullets([_line(bullet["item"])]))
        elif heading := _HEADING.match(raw):
            _add_paragraph(parts, [rich.words(heading["title"], "bold")])
        elif raw.strip():
            _add_paragraph(parts, _line(raw.strip())["elements"])
    return rich.block(*(parts or [rich.line(rich.words("(no answer)"))]))


def _add_paragraph(parts: list[rich.Element], elements: list[rich.Element]) -> None:
    # Neighbouring sections run together in Slack: one section with line breaks does not.
    if parts and parts[-1]["type"] == "rich_text_section":
        parts[-1]["elements"] += [rich.words("\n"), *elements]
    else:
        parts.append(rich.line(*elements))


def _line(text: str) -> rich.Element:
    elements: list[rich.Element] = []
    end = 0
    for match in _SPAN.finditer(text):
        if match.start() > end:
            elements.append(rich.words(text[end : match.start()]))
        elements.append(rich.words(match["bold"], "bold") if match["bold"] else rich.words(match["code"], "code"))
        end = match.end()
    if end < len(text):
        elements.append(rich.words(text[end:]))
    return rich.line(*elements)


def _seen(text: str) -> str:
    return "".join(char for char in text if char in "\n\t" or not is_noise(char))
