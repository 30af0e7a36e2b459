"""What makes a line tell a story: the alert's threshold and start, and the changes around it, as marks."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import JsonValue

from core.alert import Alert
from core.evidence import Evidence, Report
from core.incident import Incident
from core.series import Series

_COMPARED = re.compile(r"^(?P<expr>.+?)\s*(?:>=?|<=?)\s*(?P<limit>\d+(?:\.\d+)?(?:e-?\d+)?)\s*$", re.DOTALL)
# Label matchers, ranges and groupings say which series, not which figure.
_DETAIL = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|without)\s*\([^)]*\)|\s+")


def annotated(evidence: Evidence, report: Report, incident: Incident | None) -> tuple[Series, ...]:
    """Return the evidence's lines with the threshold of an alert on the same figure, and marks within their time."""
    alerts = incident.alerts if incident else ()
    marks = (*_starts(alerts), *_changes(report.evidence))
    threshold = _threshold(str(evidence.call.args.get("query", "")), alerts)
    return tuple(_with(line, marks, threshold) for line in evidence.series)


def _with(line: Series, marks: Sequence[tuple[float, str]], threshold: float | None) -> Series:
    if len(line.points) < 2:
        return line
    first, last = line.points[0][0], line.points[-1][0]
    inside = tuple(mark for mark in marks if first <= mark[0] <= last)
    limit = threshold if line.threshold is None else line.threshold
    return line.model_copy(update={"marks": tuple(dict.fromkeys((*line.marks, *inside))), "threshold": limit})


def _starts(alerts: Sequence[Alert]) -> Iterator[tuple[float, str]]:
    if alerts:
        yield min(alert.starts_at for alert in alerts).timestamp(), "alert"


def _threshold(query: str, alerts: Sequence[Alert]) -> float | None:
    for alert in alerts:
        found = _COMPARED.match(alert.expr)
        if query and found and _figure(found["expr"]) == _figure(query):
            return float(found["limit"])
    return None


def _figure(expr: str) -> str:
    return _DETAIL.sub("", expr)


def _changes(evidence: Sequence[Evidence]) -> Iterator[tuple[float, str]]:
    for item in evidence:
        data = item.data if item.call.name == "deploy_history" and isinstance(item.data, dict) else {}
        for deploy in _rows(data.get("deploys")):
            yield from _mark(deploy, f"deploy {deploy.get('version', '')}")
        for change in _rows(data.get("config_changes")):
            yield from _mark(change, f"config {change.get('key', '')}")


def _rows(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _mark(row: dict[str, JsonValue], label: str) -> Iterator[tuple[float, str]]:
    at = row.get("at")
    if isinstance(at, int | float):
        yield float(at), label
    elif isinstance(at, str):
        try:
            yield datetime.fromisoformat(at).timestamp(), label
        except ValueError:
            return
