"""How calls, times and amounts are written in sentences that people read."""

import json
from datetime import UTC, datetime

from core.tool_call import ToolCall


def call_text(call: ToolCall) -> str:
    """Return a call as `name(key=value, ...)` in a code span; strings of more than a word are quoted."""
    args = ", ".join(f"{key}={_value(value)}" for key, value in call.args.items())
    return f"`{call.name}({args})`"


def one_line(text: str, limit: int = 300) -> str:
    """Return somebody's words on one line of at most `limit` characters."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def _value(value: object) -> str:
    plain = isinstance(value, str) and value.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return value if plain and isinstance(value, str) else json.dumps(value)


def clock_text(unix: float) -> str:
    """Return a time of day in UTC, to the second."""
    return datetime.fromtimestamp(unix, UTC).strftime("%H:%M:%S UTC")


def ago_text(seconds: float) -> str:
    """Return a span in the largest fitting unit."""
    seconds = max(0, round(seconds))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def share_text(share: float) -> str:
    """Return a ratio as per cent, with one decimal below ten."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"


def seconds_text(seconds: float) -> str:
    """Return a duration in ms below one second, in s above."""
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
