"""How text from outside is cut to size: nothing a sender writes can break a row, a log line or a card."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import JsonValue

from core.alert import Alert, AlertStatus
from core.errors import RefusedError
from core.ids import stable_id

MAX_ALERTS = 2_000
_MAX_LABELS = 64
_MAX_PAIRS = 1_000  # beyond this it is no alert
_MAX_DEPTH = 64
_MAX_BITS = 1_000  # of a whole number; beyond it is no float
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SERVICE_LABELS = ("service", "app", "service_name", "app_kubernetes_io_name", "job")
_ENV_LABELS = ("env", "environment", "stage", "namespace")
_SEVERITY_LABELS = ("severity", "priority", "level")


class UnreadableError(RefusedError):
    """The sender gets the sentence with status 400."""


def read_json(body: bytes) -> JsonValue:
    """Parse a request body strictly (UTF-8, no NaN, bounded depth); UnreadableError otherwise."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        refuse_deep(found)
    except (ValueError, RecursionError):
        raise UnreadableError("the body is not JSON that can be read") from None
    return found


def cut(body: JsonValue) -> tuple[JsonValue, int]:
    """Return the body with its first two thousand alerts, firing ones first, and how many are left out."""
    rows = body.get("alerts") if isinstance(body, Mapping) else body
    if not isinstance(rows, list) or len(rows) <= MAX_ALERTS:
        return body, 0
    # A resolved one that is left out comes again with the next state of its group, or its incident stays open.
    kept = sorted(rows, key=_resolved)[:MAX_ALERTS]
    return ({**body, "alerts": kept} if isinstance(body, Mapping) else kept), len(rows) - MAX_ALERTS


def _resolved(row: JsonValue) -> bool:
    return isinstance(row, Mapping) and text(row.get("status"), 16).lower() == "resolved"


def refuse_deep(value: object) -> None:
    """Raise ValueError where lists and mappings stand in each other more than 64 deep."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(_MAX_DEPTH + 1):
        found: list[Any] = []
        for outer in level:
            for inner in outer.values() if isinstance(outer, dict) else outer:
                if isinstance(inner, (dict, list)):
                    found.append(inner)
        if not found:
            return
        level = found
    raise ValueError("too deep")


def _no_constant(name: str) -> None:
    raise ValueError(name)


def text(value: object, limit: int) -> str:
    """Return a string or number as text without control characters, at most `limit` characters; anything else is ""."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return ""
    shown = _CONTROL.sub(" ", str(value) if isinstance(value, str) else f"{value:.15g}").strip()
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def pairs(value: object, limit: int = 1_000) -> dict[str, str]:
    """Return a mapping's text entries, at most 64 of them; UnreadableError for a mapping of more than a thousand."""
    if not isinstance(value, Mapping):
        return {}
    if len(value) > _MAX_PAIRS:
        raise UnreadableError(f"at most {_MAX_PAIRS} labels or annotations in one alert")
    found: dict[str, str] = {}
    for key, item in value.items():
        name, content = text(key, 128), text(item, limit)
        if name and content:
            found[name] = content
        if len(found) >= _MAX_LABELS:
            break
    return found


def moment(value: object) -> datetime | None:
    """Return an RFC 3339 time in UTC; None for anything else and for the zero time of Go."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        found = datetime.fromisoformat(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 2000 else None


def address(value: object) -> str:
    """Return an http(s) address of at most 2,000 characters, else ""."""
    found = text(value, 16_000)
    try:
        scheme = urlsplit(found).scheme
    except ValueError:
        return ""
    return found if scheme in {"http", "https"} and len(found) <= 2_000 else ""


def expression(value: object) -> str:
    """Return the query that Prometheus puts into its generator URL (`g0.expr`), else ""."""
    try:
        fields = parse_qs(urlsplit(text(value, 16_000)).query, max_num_fields=50)
    except ValueError:
        return ""
    return text(fields.get("g0.expr", [""])[0], 2_000)


def build_alert(
    *,
    source: str,
    status: object,
    labels: dict[str, str],
    annotations: dict[str, str],
    now: datetime,
    name: str = "",
    fingerprint: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    url: object = "",
) -> Alert:
    """Put cleaned fields into the one shape; times in the future are taken for now, as clocks differ."""
    if text(status, 16).lower() not in {"firing", "resolved"}:
        raise UnreadableError("an alert's status must be firing or resolved")
    resolved = text(status, 16).lower() == "resolved"
    name = text(name or labels.get("alertname", ""), 256) or "Unnamed alert"
    begun = starts_at if starts_at and starts_at <= now + timedelta(minutes=10) else now
    identity = [name, *(f"{key}={value}" for key, value in sorted(labels.items()))]
    return Alert(
        fingerprint=text(fingerprint, 128) or stable_id("fp", source, *identity),
        status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
        name=name,
        service=first(labels, _SERVICE_LABELS, 128),
        env=first(labels, _ENV_LABELS, 64),
        severity=first(labels, _SEVERITY_LABELS, 64),
        summary=first(annotations, ("summary", "message", "title"), 2_000),
        description=text(annotations.get("description", ""), 4_000),
        labels=labels,
        annotations=annotations,
        expr=expression(url),
        starts_at=begun,
        ends_at=(ends_at or now) if resolved else None,
        generator_url=address(url),
        source=source,
    )


def first(labels: Mapping[str, str], names: tuple[str, ...], limit: int) -> str:
    """Return the first of these labels that is there."""
    return next((text(labels[name], limit) for name in names if labels.get(name)), "")
