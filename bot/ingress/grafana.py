"""Grafana's alerting webhook: Alertmanager's shape with the reading in `valueString` and a rule for missing data."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from bot.ingress import alertmanager
from bot.ingress.untrusted import text
from core.alert import Alert


def parse(body: JsonValue, now: datetime) -> list[Alert]:
    """Return the alerts of one notification; UnreadableError says what is wrong with it."""
    alerts = alertmanager.parse(body, now, source="grafana")
    assert isinstance(body, Mapping)
    rows = body["alerts"]
    assert isinstance(rows, list)
    return [_told(alert, row) for alert, row in zip(alerts, rows, strict=True)]


def _told(alert: Alert, row: JsonValue) -> Alert:
    reading = text(row.get("valueString"), 2_000) if isinstance(row, Mapping) else ""
    shown = {name: value for name, value in alert.annotations.items() if not name.startswith("__")}
    return alert.model_copy(update={"annotations": shown, "summary": alert.summary or reading})
