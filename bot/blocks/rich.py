"""Rich text: its elements are literal by construction, so outside words cannot mention, link or format."""

from collections.abc import Sequence
from typing import Any, Literal

from bot.blocks.text import Block

Element = dict[str, Any]
Style = Literal["bold", "italic", "code", "strike"]


def words(text: str, *styles: Style) -> Element:
    """Literal text; lone surrogates, which JSON over UTF-8 cannot carry, become U+FFFD."""
    safe = text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
    element: Element = {"type": "text", "text": safe or " "}
    return element | {"style": dict.fromkeys(styles, True)} if styles else element


def link(url: str, label: str) -> Element:
    """A link of our own making; never give it an outside address."""
    return {"type": "link", "url": url, "text": label}


def person(user_id: str) -> Element:
    """A mention of a user whose id Slack gave us."""
    return {"type": "user", "user_id": user_id}


def line(*elements: Element) -> Element:
    """A paragraph."""
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(text: str) -> Element:
    """Somebody else's words, set apart."""
    return {"type": "rich_text_quote", "elements": [words(text)]}


def preformatted(text: str) -> Element:
    """A code block that shows the text byte for byte."""
    return {"type": "rich_text_preformatted", "elements": [words(text)]}


def bullets(items: Sequence[Element]) -> Element:
    """A list of `line(...)` items."""
    return {"type": "rich_text_list", "style": "bullet", "elements": list(items)}


def block(*parts: Element) -> Block:
    """One block of paragraphs, lists, quotes and code."""
    return {"type": "rich_text", "elements": list(parts)}
