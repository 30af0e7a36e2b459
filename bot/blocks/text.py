"""Words for mrkdwn fields: outside text is escaped before it stands beside our own markup."""

import re
from datetime import datetime, timedelta
from typing import Any

from core.api_client import client_in
from core.exact_call import is_noise

Block = dict[str, Any]

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARKUP = {"`": "\u02cb", "*": "\u2217", "_": "\u02cd", "~": "\u223c"}
# A marker formats only at the edge of a word: restart_service stays as it is and can be copied.
_MARKER = re.compile(r"`|(?<![^\W_])[*_~]|[*_~](?![^\W_])")


def escape(text: str) -> str:
    """Make outside text literal for mrkdwn's links, mentions and broadcasts, as Slack asks: only & < >."""
    return text.translate(_ESCAPES)


def inert(text: str, limit: int = 300) -> str:
    """Return outside text as one literal line of at most `limit` characters: no markup, mention or hidden letter."""
    return escape(_MARKER.sub(lambda mark: _MARKUP[mark[0]], one_line(text, limit)))


def one_line(text: str, limit: int) -> str:
    """Fold white space, drop what cannot be seen and cut to `limit` characters with an ellipsis."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if char.isspace() else char for char in text if char.isspace() or not is_noise(char))
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def date(at: datetime, style: str = "{time}") -> str:
    """Return a mrkdwn date that each reader sees in their own zone; the fallback is UTC."""
    return f"<!date^{int(at.timestamp())}^{style}|{at:%H:%M} UTC>"


def clock_time(at: datetime, since: datetime) -> str:
    """Return a moment in each reader's own zone, with its day when it is more than twelve hours after `since`."""
    return date(at, "{date_short_pretty} {time}" if at - since > timedelta(hours=12) else "{time}")


def span(length: timedelta) -> str:
    """Return a duration as people say it: `45 s`, `5 min`, `2 h`, `3 days`."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds // size} {'day' if unit == 'days' and seconds == size else unit}"
    return f"{seconds} s"


def mention(person: str) -> str:
    """Return a mention for a Slack user or group id, and the literal word for anything else (such as `alert`)."""
    if person[:1] in "UW" and person.isalnum() and person.isupper() and len(person) > 4:
        return f"<@{person}>"
    if person[:1] == "S" and person.isalnum() and person.isupper() and len(person) > 4:
        return f"<!subteam^{person}>"
    return inert(person, 80)


def asker(requester: str) -> str:
    """Return who asked: a person, another system, or ourselves on behalf of an alert."""
    if client := client_in(requester):
        return f"API client {inert(client, 80)}"
    return "Watchkeeper, because of an alert" if requester == "alert" else mention(requester)


def section(text: str) -> Block:
    """A section of mrkdwn (already escaped), cut at Slack's 3,000 characters."""
    return {"type": "section", "text": _mrkdwn(text, 3000)}


def fields(*texts: str) -> Block:
    """A section of up to ten short mrkdwn columns."""
    return {"type": "section", "fields": [_mrkdwn(text, 2000) for text in texts if text][:10]}


def context(*texts: str) -> Block:
    """A line of small print, mrkdwn."""
    return {"type": "context", "elements": [_mrkdwn(text, 3000) for text in texts if text][:10]}


def header(text: str) -> Block:
    """A headline of plain text, one line."""
    return {"type": "header", "text": {"type": "plain_text", "text": one_line(text, 150), "emoji": False}}


def _mrkdwn(text: str, limit: int) -> Block:
    # verbatim: Slack makes no links and mentions of its own out of plain words; ours are written out.
    return {"type": "mrkdwn", "text": text[:limit], "verbatim": True}


DIVIDER: Block = {"type": "divider"}
