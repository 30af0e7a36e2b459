"""An alert becomes, joins or ends an incident."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from core.alert import Alert, AlertStatus
from core.audit import AuditEvent
from core.errors import NoDataError
from core.event import Event
from core.evidence import latest_look
from core.ids import incident_thread_id
from core.incident import Incident, IncidentStatus
from core.ports import Audit, Cards, Clock, Incidents, Queue, Reports

REFRESH_SPAN = timedelta(seconds=2)
ACTED_WITHIN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class AlertIntake:
    """The use case behind the alert webhook and behind alert messages in channels."""

    incidents: Incidents
    reports: Reports
    cards: Cards
    queue: Queue
    audit: Audit
    clock: Clock
    services: Mapping[str, str] = field(default_factory=dict[str, str])
    """Known services and their environments, for alerts that do not name theirs."""

    async def handle(self, alert: Alert) -> Incident | None:
        """Take one alert; safe to repeat. Returns its incident, or None for a resolution of nothing known."""
        now, alert = self.clock.now(), self._placed(alert)
        try:
            incident, changed = await self.incidents.join(alert, now)
        except NoDataError:
            return None
        # What follows is not only for changes: a redelivery mends a crash after the row and before one of these steps.
        await self._record(alert, incident, changed)
        if not incident.thread_ts:
            await self.cards.show_incident(incident.id)
        else:
            await self._refresh_soon(incident)
        await self._investigate(incident, alert, changed)
        return incident

    def _placed(self, alert: Alert) -> Alert:
        """Return the alert with the service that it names only in words, and with its service's environment."""
        words = re.findall(r"[\w.-]+", f"{alert.name} {alert.summary}".lower())
        service = alert.service or next((name for name in self.services if name.lower() in words), "")
        return alert.model_copy(update={"service": service, "env": alert.env or self.services.get(service, "")})

    async def _record(self, alert: Alert, incident: Incident, changed: bool) -> None:
        """Write one audit row for each state of an alert; for a repeat, only if the first try did not come to it."""
        state = {"status": alert.status.value, "starts_at": alert.starts_at.isoformat()}
        if not changed and await self.audit.has("AlertReceived", alert.fingerprint, state, incident.id):
            return
        await self.audit.append(
            AuditEvent(
                kind="AlertReceived",
                actor=alert.source,
                subject=alert.fingerprint,
                incident_id=incident.id,
                at=self.clock.now(),
                details={"name": alert.name, "service": alert.service, **state},
            )
        )

    async def _refresh_soon(self, incident: Incident) -> None:
        """Queue one refresh of the card for all changes of the next seconds: Slack takes 50 edits a minute, a storm of
        alerts brings hundreds."""
        now = self.clock.now()
        span = int(now.timestamp() // REFRESH_SPAN.total_seconds())
        job = Event(
            id=f"refresh:{incident.id}:{span}",
            kind="job.refresh",
            key=f"card:{incident.id}",
            body={"incident_id": incident.id},
            received_at=now,
        )
        await self.queue.put(job)

    async def _investigate(self, incident: Incident, alert: Alert, changed: bool) -> None:
        """Queue a look: the first one, and another when a new alert joins an incident that has no remedy yet, or whose
        remedy was carried out a while ago: our own act may be why it fires."""
        thread_id = incident_thread_id(incident.id)
        if incident.status is IncidentStatus.RESOLVED or alert.status is AlertStatus.RESOLVED:
            return
        latest = latest_look(await self.reports.of_thread(thread_id))
        if latest is not None and not (changed and (latest.proposal is None or await self._has_acted(incident))):
            return
        look = f"{alert.fingerprint}:{alert.starts_at.isoformat()}"
        job = Event(
            id=f"investigate:{incident.id}:{look}",
            kind="job.investigate",
            key=thread_id,
            body={"incident_id": incident.id, "requester": "alert", "look": look},
            received_at=self.clock.now(),
        )
        await self.queue.put(job)

    async def _has_acted(self, incident: Incident) -> bool:
        since = self.clock.now() - ACTED_WITHIN
        history = await self.audit.of_incident(incident.id)
        return any(event.kind == "EffectIntended" and event.at >= since for event in history)
