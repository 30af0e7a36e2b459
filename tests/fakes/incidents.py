"""Incidents in a dict."""

from collections.abc import Sequence
from datetime import datetime

from core.alert import Alert, AlertStatus
from core.errors import NoDataError
from core.grouping import is_late_copy, is_repeated_end, opened, with_alert
from core.incident import Incident, IncidentStatus


class InMemoryIncidents:
    """Implements core.ports.Incidents."""

    def __init__(self) -> None:
        self.rows: dict[str, Incident] = {}

    async def join(self, alert: Alert, now: datetime) -> tuple[Incident, bool]:
        """Record the alert on its group's open incident."""
        of_group = [row for row in self.rows.values() if row.group_key == alert.group_key]
        current = next((row for row in of_group if row.status is IncidentStatus.OPEN), None)
        if current is not None:
            incident, changed = with_alert(current, alert, now)
        elif of_group and is_repeated_end(of_group[-1], alert):
            return of_group[-1], False
        elif alert.status is AlertStatus.RESOLVED:
            raise NoDataError(f"No open incident for {alert.group_key}.")
        elif of_group and is_late_copy(of_group[-1], alert, now):
            return of_group[-1], False
        else:
            incident, changed = opened(f"INC-{len(self.rows) + 1}", alert, now), True
        self.rows[incident.id] = incident
        return incident, changed

    async def load(self, incident_id: str) -> Incident:
        """Return the incident; NoDataError when there is none."""
        if incident_id not in self.rows:
            raise NoDataError(f"There is no incident {incident_id}.")
        return self.rows[incident_id]

    async def place(self, incident_id: str, channel: str, thread_ts: str) -> None:
        """Remember where the card stands."""
        row = await self.load(incident_id)
        self.rows[incident_id] = row.model_copy(update={"channel": channel, "thread_ts": thread_ts})

    async def at(self, channel: str, thread_ts: str) -> Incident | None:
        """Return the incident whose card is that thread's root."""
        rows = (row for row in self.rows.values() if (row.channel, row.thread_ts) == (channel, thread_ts))
        return next(rows, None) if thread_ts else None

    async def open(self) -> Sequence[Incident]:
        """Return the open incidents, newest first."""
        return [row for row in reversed(self.rows.values()) if row.status is IncidentStatus.OPEN]
