"""How alerts make up an incident: what counts as news, what is a repeat, and what opens or ends the case."""

from datetime import datetime, timedelta

from core.alert import Alert, AlertStatus
from core.incident import Incident, IncidentStatus

LATE_COPY_WINDOW = timedelta(minutes=15)
"""How long after an incident's end a firing copy of one of its alerts is taken for a late delivery, not for news."""

_SEVERITIES = ("info", "warning", "error", "critical", "page")


def opened(incident_id: str, alert: Alert, now: datetime) -> Incident:
    """Return the incident that a firing alert without one begins."""
    return Incident(
        id=incident_id,
        group_key=alert.group_key,
        title=alert.summary or alert.name,
        service=alert.service,
        env=alert.env,
        severity=alert.severity,
        opened_at=now,
        alerts=(alert,),
    )


def with_alert(incident: Incident, alert: Alert, now: datetime) -> tuple[Incident, bool]:
    """Return an open incident after one more alert, and whether that was news; it ends with its last firing alert."""
    known = {earlier.fingerprint: earlier for earlier in incident.alerts}
    earlier = known.get(alert.fingerprint)
    if earlier is not None and not _is_news(earlier, alert):
        return incident, False
    if earlier is not None and alert.status is AlertStatus.RESOLVED:
        # What it said when it rang stays: the notice of its end carries the figures of its end.
        alert = alert.model_copy(update={"summary": earlier.summary, "description": earlier.description})
    severity = _worse(incident.severity, alert.severity)
    title = alert.summary or alert.name if severity != incident.severity else incident.title
    alerts = tuple((known | {alert.fingerprint: alert}).values())
    firing = any(each.status is AlertStatus.FIRING for each in alerts)
    changes: dict[str, object] = {"alerts": alerts, "severity": severity, "title": title}
    if not firing:
        changes |= {"status": IncidentStatus.RESOLVED, "resolved_at": now}
    return incident.model_copy(update=changes), True


def is_late_copy(incident: Incident, alert: Alert, now: datetime) -> bool:
    """True when `alert` is an old firing of an incident that has just been resolved, delivered out of turn."""
    if incident.resolved_at is None or now - incident.resolved_at > LATE_COPY_WINDOW:
        return False
    return any(earlier.fingerprint == alert.fingerprint and not _is_news(earlier, alert) for earlier in incident.alerts)


def is_repeated_end(incident: Incident, alert: Alert) -> bool:
    """True when `alert` is a resolution that a resolved incident has taken already, however long ago."""
    if incident.status is not IncidentStatus.RESOLVED or alert.status is not AlertStatus.RESOLVED:
        return False
    return any(earlier.fingerprint == alert.fingerprint and not _is_news(earlier, alert) for earlier in incident.alerts)


def _is_news(earlier: Alert, alert: Alert) -> bool:
    if alert.starts_at != earlier.starts_at:
        return alert.starts_at > earlier.starts_at
    return earlier.status is AlertStatus.FIRING and alert.status is AlertStatus.RESOLVED


def _worse(one: str, other: str) -> str:
    ranks = {name: rank for rank, name in enumerate(_SEVERITIES)}
    return other if ranks.get(other.lower(), -1) > ranks.get(one.lower(), -1) else one
