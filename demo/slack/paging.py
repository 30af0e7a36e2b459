"""Opaque cursors over lists."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.state import Json

Item = TypeVar("Item")


def page(call: Call, everything: Sequence[Item], default: int = 100, maximum: int = 1000) -> tuple[list[Item], Json]:
    """The page that `cursor` and `limit` ask for, and the response_metadata to go with it.

    Raises SlackError invalid_cursor or invalid_limit.
    """
    start = _decode(call.text("cursor"))
    limit = call.number("limit", default)
    if limit < 1 or start > len(everything):
        raise SlackError("invalid_limit" if limit < 1 else "invalid_cursor")
    end = start + min(limit, maximum)
    more = end < len(everything)
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if more else ""
    return list(everything[start:end]), {"next_cursor": cursor}


def _decode(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        kind, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if kind != "next":
            raise ValueError(kind)
        return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SlackError("invalid_cursor") from None
