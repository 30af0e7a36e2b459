"""Audit events in a list, chained as the database chains them."""

from collections.abc import Mapping, Sequence

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.audit_chain import START, ChainCheck, Head, Noted, StoredRow, Verdict, content_of, next_head
from tests.fakes.examples import history_of


class InMemoryAudit:
    """Implements core.ports.Audit; `events` is there to be asserted on, `rows` to be tampered with."""

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.rows: list[StoredRow] = []
        self._head = START

    @property
    def kinds(self) -> list[str]:
        """What has happened, in order."""
        return [event.kind for event in self.events]

    async def append(self, event: AuditEvent) -> None:
        """Add one row."""
        content = content_of(event)
        previous, self._head = self._head, next_head(self._head, content)
        sequence, own = self._head
        self.rows.append(StoredRow(sequence, sequence, previous.hash.encode(), own.encode(), content))
        self.events.append(event)

    async def of_incident(self, incident_id: str) -> Sequence[AuditEvent]:
        """Return an incident's rows, oldest first."""
        return [event for event in self.events if event.incident_id == incident_id]

    async def of_subject(self, subject: str) -> Sequence[AuditEvent]:
        """Return a subject's rows, oldest first."""
        return [event for event in self.events if event.subject == subject]

    async def has(self, kind: str, subject: str, details: Mapping[str, str], incident_id: str | None = None) -> bool:
        """True when such a row is there."""
        wanted = details.items()
        found = [each for each in await self.of_subject(subject) if each.kind == kind]
        found = [each for each in found if incident_id is None or each.incident_id == incident_id]
        return any(wanted <= each.details.items() for each in found)

    async def record(self, row: ApprovalRequest) -> None:
        """Add what the desk writes of such a row."""
        for event in history_of(row):
            await self.append(event)

    def check(self, noted: Head | None = None) -> Verdict:
        """Return what a check of the rows finds."""
        check = ChainCheck([Noted(noted)] if noted else ())
        for row in self.rows:
            check.look_at(row)
        return check.finish()
