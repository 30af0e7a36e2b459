"""Prometheus Alertmanager's webhook (version 4): one body, many alerts."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from bot.ingress.untrusted import MAX_ALERTS, UnreadableError, build_alert, moment, pairs, text
from core.alert import Alert


def parse(body: JsonValue, now: datetime, source: str = "alertmanager") -> list[Alert]:
    """Return the alerts of one notification; UnreadableError says what is wrong with it."""
    if not isinstance(body, Mapping) or not isinstance(body.get("alerts"), list):
        raise UnreadableError("expected an object with a list named alerts")
    rows = body["alerts"]
    assert isinstance(rows, list)
    if len(rows) > MAX_ALERTS:
        raise UnreadableError(f"at most {MAX_ALERTS} alerts in one body")
    return [_alert(row, now, source) for row in rows]


def _alert(row: JsonValue, now: datetime, source: str) -> Alert:
    if not isinstance(row, Mapping):
        raise UnreadableError("every alert must be an object")
    return build_alert(
        source=source,
        status=row.get("status"),
        labels=pairs(row.get("labels")),
        annotations=pairs(row.get("annotations"), 4_000),
        now=now,
        fingerprint=text(row.get("fingerprint"), 128),
        starts_at=moment(row.get("startsAt")),
        ends_at=moment(row.get("endsAt")),
        url=row.get("generatorURL"),
    )
