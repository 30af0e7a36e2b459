"""Which signals a fix is about, and whether they are quiet: what fires beside them is told and decides nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from core.alert import Alert, AlertStatus
from core.evidence import Report
from core.incident import Incident, IncidentStatus
from core.ports import ToolBox
from core.tool_call import ToolCall
from graphs.context import KnownService
from graphs.investigation.looks import SIGNAL


class Look(NamedTuple):
    """One look at a signal: None for quiet means that it could not be seen."""

    quiet: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Aim:
    """What a fix was meant to quiet: alerts of `services` that its evidence names by their expression, or where that
    names none (a person asked for it, or alerts carry no expression) those that fired `before` it was decided.

    `rows_of` holds for each expression the services whose rows it gave when it was looked at."""

    services: frozenset[str]
    rows_of: Mapping[str, frozenset[str]]
    before: datetime
    known: frozenset[str] = frozenset()

    def covers(self, alert: Alert) -> bool:
        """True for an alert that says whether the fix helped; a service that nobody lists may be any."""
        if alert.service in self.known and alert.service not in self.services:
            return False
        if alert.expr and self.rows_of:
            return alert.expr in self.rows_of
        return alert.starts_at <= self.before

    def holds(self, alert: Alert, data: object) -> bool:
        """True unless this answer to the alert's expression is empty, or is only about other services of a rule that
        watches many: one that gave the alert's own service a row before."""
        rows = data.get("result") if isinstance(data, dict) else None
        if not isinstance(rows, list) or alert.service not in self.rows_of.get(alert.expr, ()):
            return not isinstance(data, dict) or bool(rows)
        return any(_service_of(row) in ("", alert.service) for row in rows)


def aim_of(service: str, report: Report | None, before: datetime, known: Mapping[str, KnownService]) -> Aim:
    """Return the aim of a fix on `service`: its own alerts, and those of whatever stands on it, near and far."""
    standing = [service]
    for name in standing:
        standing += [each for each, facts in known.items() if name in facts.depends_on and each not in standing]
    rows_of: dict[str, frozenset[str]] = {}
    for item in report.evidence if report else ():
        query, data = item.call.args.get("query"), item.data
        if item.title == SIGNAL and isinstance(query, str):
            rows = data.get("result") if isinstance(data, dict) else None
            rows_of[query] = frozenset(map(_service_of, rows)) if isinstance(rows, list) else frozenset()
    return Aim(frozenset(standing), rows_of, before, frozenset(known))


async def incident_signal(toolbox: ToolBox, incident: Incident, aim: Aim) -> Look:
    """Return quiet when no alert that the fix was about fires any more, or when their expressions do not hold any more.
    Others that fire are told after it."""
    firing = [alert for alert in incident.alerts if alert.status is AlertStatus.FIRING]
    own = [alert for alert in firing if aim.covers(alert)]
    beside = [alert for alert in firing if alert not in own]
    look = await _own_signal(toolbox, incident, own, aim)
    return Look(look.quiet, look.text + _told(beside)) if beside and look.quiet is not None else look


async def _own_signal(toolbox: ToolBox, incident: Incident, firing: Sequence[Alert], aim: Aim) -> Look:
    if incident.status is IncidentStatus.RESOLVED or not firing:
        return Look(True, "no alert that it was about is firing")
    if blind := [alert for alert in firing if not alert.expr]:
        return Look(False, f"{_names(blind)} still firing")
    results = await asyncio.gather(
        *(toolbox.read(ToolCall(name="metric_query", args={"query": alert.expr})) for alert in firing)
    )
    answers = list(zip(firing, results, strict=True))
    if unseen := [alert for alert, result in answers if result.status in ("failed", "refused")]:
        return Look(None, f"the expression of {_names(unseen)} could not be evaluated")
    if loud := [alert for alert, result in answers if result.status == "ok" and aim.holds(alert, result.data)]:
        return Look(False, f"the expression of {_names(loud)} still holds")
    return Look(True, f"the expression of {_names(firing)} no longer holds")


def _service_of(row: object) -> str:
    labels = row.get("labels") if isinstance(row, dict) else None
    return str(labels.get("service", "")) if isinstance(labels, dict) else ""


def _told(beside: Sequence[Alert]) -> str:
    named = (f"{alert.name} of {alert.service}" if alert.service else alert.name for alert in beside)
    also = " and ".join(dict.fromkeys(named))
    return f"; {also} fires as well, which this was not about"


def _names(alerts: Sequence[Alert]) -> str:
    return " and ".join(dict.fromkeys(alert.name for alert in alerts))
