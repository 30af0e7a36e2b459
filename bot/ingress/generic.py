"""The plain shape for scripts and systems without a parser of their own: one object, or a list of them."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from bot.ingress.untrusted import MAX_ALERTS, UnreadableError, build_alert, moment, pairs, text
from core.alert import Alert

_LABELS = ("service", "env", "severity")


def parse(body: JsonValue, now: datetime) -> list[Alert]:
    """Read objects of name, status, service, env, severity, summary, description, labels, times and url."""
    rows = body.get("alerts", body) if isinstance(body, Mapping) else body
    rows = rows if isinstance(rows, list) else [rows]
    if len(rows) > MAX_ALERTS:
        raise UnreadableError(f"at most {MAX_ALERTS} alerts in one body")
    return [_alert(row, now) for row in rows]


def _alert(row: JsonValue, now: datetime) -> Alert:
    if not isinstance(row, Mapping):
        raise UnreadableError("every alert must be an object")
    name = text(row.get("name") or row.get("title"), 256)
    if not name:
        raise UnreadableError("every alert needs a name")
    return build_alert(
        source=text(row.get("source"), 64) or "generic",
        status=row.get("status", "firing"),
        name=name,
        labels={**pairs(row.get("labels")), **pairs({key: row.get(key) for key in _LABELS})},
        annotations=pairs({key: row.get(key) for key in ("summary", "description")}, 4_000),
        now=now,
        fingerprint=text(row.get("fingerprint"), 128),
        starts_at=moment(row.get("starts_at")),
        ends_at=moment(row.get("ends_at")),
        url=row.get("url"),
    )
