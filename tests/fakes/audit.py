"""Audit events in a list."""

from collections.abc import Sequence

from core.audit import AuditEvent


class InMemoryAudit:
    """Implements core.ports.Audit; `events` is there to be asserted on."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []

    @property
    def kinds(self) -> list[str]:
        """What has happened, in order."""
        return [event.kind for event in self.events]

    async def append(self, event: AuditEvent) -> None:
        """Add one row."""
        self.events.append(event)

    async def of_incident(self, incident_id: str) -> Sequence[AuditEvent]:
        """Return an incident's rows, oldest first."""
        return [event for event in self.events if event.incident_id == incident_id]

    async def of_subject(self, subject: str) -> Sequence[AuditEvent]:
        """Return a subject's rows, oldest first."""
        return [event for event in self.events if event.subject == subject]
