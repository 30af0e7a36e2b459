"""A tool call as the person who decides must see it: every byte, and nothing that the eye cannot tell apart."""

import json
import re
import unicodedata

from pydantic import JsonValue

from bot.blocks.text import is_invisible
from core.tool_call import ToolCall

LIMIT_BYTES = 3000
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")


def exact_call(call: ToolCall) -> str:
    """Return the tool's name and one line for each argument as JSON; decoding a line gives the argument byte for byte.

    Line breaks, quotes and everything invisible are JSON escapes, so that no value can pose as another argument.
    """
    lines = [_name(call.name)]
    lines += [f"  {_name(key)}: {visible_json(value)}" for key, value in call.args.items()]
    return "\n".join(lines)


def inline_call(call: ToolCall, limit: int = 300) -> str:
    """Return the call on one line for reading, not for deciding: `tool(key=value)`, cut at `limit` characters."""
    text = f"{_name(call.name)}({', '.join(f'{_name(k)}={visible_json(v)}' for k, v in call.args.items())})"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def fits(call: ToolCall) -> bool:
    """True when the whole call has room on a card; a call that has not must not be approvable from it."""
    return len(exact_call(call).encode()) <= LIMIT_BYTES


def visible_json(value: JsonValue) -> str:
    """Return JSON in which every invisible character is an escape and every other one stands as it is."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isascii() and text.isprintable() else "".join(map(_show, text))


def odd_characters(call: ToolCall) -> list[str]:
    """Name what might deceive the eye: `U+0435 CYRILLIC SMALL LETTER IE`; at most five, in order of appearance."""
    raw = json.dumps([call.name, call.args], ensure_ascii=False)
    odd = dict.fromkeys(char for char in raw if not char.isascii() or (is_invisible(char)))
    return [f"U+{ord(char):04X} {unicodedata.name(char, 'CONTROL OR UNASSIGNED')}" for char in odd][:5]


def _name(text: str) -> str:
    return text if _PLAIN_NAME.match(text) else visible_json(text)


def _show(char: str) -> str:
    if char != " " and (is_invisible(char) or unicodedata.category(char) == "Zs"):
        units = char.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
    return char
