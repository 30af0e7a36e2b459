"""A tool call beside its exact form: on one line for reading, and what in it might deceive the eye."""

import json
import unicodedata

from core.exact_call import is_invisible, shown_name, visible_json
from core.tool_call import ToolCall


def inline_call(call: ToolCall, limit: int = 300) -> str:
    """Return the call on one line for reading, not for deciding: `tool(key=value)`, cut at `limit` characters."""
    args = ", ".join(f"{shown_name(key)}={visible_json(value)}" for key, value in call.args.items())
    text = f"{shown_name(call.name)}({args})"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def odd_characters(call: ToolCall) -> list[str]:
    """Name what might deceive the eye: `U+0435 CYRILLIC SMALL LETTER IE`; at most five, in order of appearance."""
    raw = json.dumps([call.name, call.args], ensure_ascii=False)
    odd = dict.fromkeys(char for char in raw if not char.isascii() or (is_invisible(char)))
    return [f"U+{ord(char):04X} {unicodedata.name(char, 'CONTROL OR UNASSIGNED')}" for char in odd][:5]
