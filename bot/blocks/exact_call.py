"""A tool call beside its exact form: on one line for reading, and what in it might deceive the eye."""

import json
import unicodedata

from core.exact_call import is_invisible, shown_name, visible_json
from core.tool_call import ToolCall

_NAMED = 5


def inline_call(call: ToolCall, limit: int = 300) -> str:
    """Return the call on one line for reading, not for deciding: `tool(key=value)`, cut at `limit` characters."""
    args = ", ".join(f"{shown_name(key)}={visible_json(value)}" for key, value in call.args.items())
    text = f"{shown_name(call.name)}({args})"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def odd_characters(*calls: ToolCall) -> str:
    """Name what might deceive the eye: `U+0435 CYRILLIC SMALL LETTER IE, U+00E9 ...`; the most deceptive first, and how
    many more there are. Empty for plain ASCII."""
    raw = json.dumps([[call.name, call.args] for call in calls], ensure_ascii=False)
    odd = dict.fromkeys(char for char in raw if not char.isascii() or is_invisible(char))
    named = [f"U+{ord(char):04X} {_name(char)}" for char in sorted(odd, key=_openness)]
    return ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")


def _openness(char: str) -> int:
    """Return 0 for what nobody can see, 1 for what may pose as something else, 2 for a plain letter with a mark."""
    parts = unicodedata.normalize("NFD", char)
    return 0 if is_invisible(char) else 2 if len(parts) > 1 and parts[0].isascii() else 1


def _name(char: str) -> str:
    return unicodedata.name(char, "CONTROL OR UNASSIGNED")
