"""A tool call as the person who decides must see it: every byte, and nothing that the eye cannot tell apart."""

import json
import re
import unicodedata

from pydantic import JsonValue

from core.tool_call import Plan, ToolCall

LIMIT_BYTES = 3000
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
# Letters and marks that are drawn as nothing, or as a space: Unicode's Default_Ignorable_Code_Point beyond the
# categories above, and the empty Braille pattern.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0)), ("\U00016fe4", "\U0001d159")
)


def exact_call(call: ToolCall) -> str:
    """Return the tool's name and one line for each argument as JSON; decoding a line gives the argument byte for byte.

    Line breaks, quotes and everything invisible are JSON escapes, so that no value can pose as another argument.
    """
    lines = [shown_name(call.name)]
    lines += [f"  {shown_name(key)}: {visible_json(value)}" for key, value in call.args.items()]
    return "\n".join(lines)


def exact_plan(plan: Plan) -> str:
    """Return the exact call of a plan, or of each of its steps in order under `step 1: `, `step 2: ` and so on."""
    calls = [plan.call, *(step.call for step in plan.then)]
    if len(calls) == 1:
        return exact_call(plan.call)
    return "\n".join(f"step {number}: {exact_call(call)}" for number, call in enumerate(calls, 1))


def fits(call: ToolCall) -> bool:
    """True when the whole call has room on a card; a call that has not is approved with its target typed out."""
    return len(exact_call(call).encode()) <= LIMIT_BYTES


def plan_fits(plan: Plan) -> bool:
    """The same of all calls of a plan together."""
    return len(exact_plan(plan).encode()) <= LIMIT_BYTES


def visible_json(value: JsonValue) -> str:
    """Return JSON in which every invisible character is an escape and every other one stands as it is."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isascii() and text.isprintable() else "".join(map(_show, text))


def shown_name(text: str) -> str:
    """Return a plain name as it is and any other as JSON."""
    return text if _PLAIN_NAME.match(text) else visible_json(text)


def is_invisible(char: str) -> bool:
    """True for controls, zero-width and direction marks, fillers, surrogates and unassigned characters."""
    return char in _BLANK or unicodedata.category(char) in _INVISIBLE


def is_noise(char: str) -> bool:
    """True for what a sentence does without: the invisible, but for the mark that asks for an emoji's picture."""
    return char != "\ufe0f" and is_invisible(char)


def changes_between(old: ToolCall, new: ToolCall, limit: int = 60) -> str:
    """Return what differs between the arguments of two calls of one tool, as `workers: 4 → 8, key: none → "x"`; each
    value is cut at `limit` characters."""
    names = dict.fromkeys([*old.args, *new.args])
    changed = [name for name in names if old.args.get(name, ...) != new.args.get(name, ...)]
    shown = (f"{shown_name(name)}: {_short(old, name, limit)} → {_short(new, name, limit)}" for name in changed)
    return ", ".join(shown)


def _short(call: ToolCall, name: str, limit: int) -> str:
    text = visible_json(call.args[name]) if name in call.args else "none"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _show(char: str) -> str:
    if char != " " and (is_invisible(char) or unicodedata.category(char) == "Zs"):
        units = char.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
    return char
