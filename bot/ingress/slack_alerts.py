"""Alerts that other bots post into channels (Alertmanager, Grafana, Datadog): for where no webhook can be had."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from bot.ingress.untrusted import build_alert, pairs, text
from core.alert import Alert
from core.ids import stable_id

_BRACKET = re.compile(r"^\[(FIRING|RESOLVED)(?::\d+)?\]\s*(.+)$", re.IGNORECASE | re.DOTALL)
_DATADOG = re.compile(
    r"^(Re-Triggered|Triggered|Warn|Alert|Recovered)(?: on \{[^}]*\})?:\s*(?:\[(P\d)\]\s*)?(.+)$",
    re.IGNORECASE | re.DOTALL,
)
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|([^>]*))?>")
_LABEL = re.compile(
    r"\b(service|app|job|env|environment|severity|instance|team)[*_`\"']*\s*[:=][*_`\"'\s]*([\w.\-/]{1,128})",
    re.IGNORECASE,
)
_MAX_ATTACHMENTS = 20


def parse(event: Mapping[str, object], now: datetime, ours: Collection[str] = ()) -> list[Alert]:
    """Return what a bot's message (or its edit) says fires or is resolved; [] for people's and for other messages.

    `ours` are our own user and bot ids: what we write about an alert is none, however much it reads like one.
    """
    message = event.get("message") if event.get("subtype") == "message_changed" else event
    if not isinstance(message, Mapping) or not (message.get("bot_id") or message.get("subtype") == "bot_message"):
        return []
    if message.get("bot_id") in ours or message.get("user") in ours:
        return []
    place = f"{text(event.get('channel'), 32)}"
    found = (_alert(title, body, url, place, now) for title, body, url in _parts(message))
    return [alert for alert in found if alert is not None]


def _parts(message: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield (title, everything that is written, link) of each attachment, or of the message when it has none."""
    attachments = message.get("attachments")
    rows = [row for row in attachments if isinstance(row, Mapping)] if isinstance(attachments, list) else []
    for row in rows[:_MAX_ATTACHMENTS]:
        title = text(row.get("title"), 1_100) or text(row.get("fallback"), 1_100).split("\n", 1)[0]
        fields = row.get("fields")
        words = [text(row.get(name), 8_000) for name in ("pretext", "text")]
        for field in [item for item in fields if isinstance(item, Mapping)][:50] if isinstance(fields, list) else []:
            words.append(f"{text(field.get('title'), 200)}: {text(field.get('value'), 1_000)}")
        yield title, "\n".join(word for word in words if word), text(row.get("title_link"), 2_000)
    if not rows:
        body = text(message.get("text"), 8_000)
        link = _LINK.search(body)
        yield _LINK.sub(lambda found: found[2] or found[1], body.split("\n", 1)[0]), body, link[1] if link else ""


def _alert(title: str, body: str, url: str, place: str, now: datetime) -> Alert | None:
    read = _title(title)
    if read is None:
        return None
    status, name, severity = read
    labels = pairs({found[1].lower(): found[2] for found in _LABEL.finditer(f"{title}\n{body}")})
    if severity:
        labels.setdefault("severity", severity)
    return build_alert(
        source="slack",
        status=status,
        name=name,
        labels=labels,
        annotations=pairs({"summary": title, "description": body}, 4_000),
        now=now,
        fingerprint=stable_id("fp", "slack", place, url or name),
        url=url,
    )


def _title(title: str) -> tuple[str, str, str] | None:
    """Return (status, name, severity) of a title in one of the known forms."""
    if found := _BRACKET.match(title):
        return found[1].lower(), found[2].split(" (", 1)[0].strip()[:256], ""
    if found := _DATADOG.match(title):
        status = "resolved" if found[1].lower() == "recovered" else "firing"
        return status, found[3].strip()[:256], (found[2] or "").lower()
    return None
