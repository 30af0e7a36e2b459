"""From an incident or a report to everything that is written about it; SQL keeps the order."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.effect import Effect
from core.evidence import Report
from core.ids import incident_thread_id
from core.incident import Incident
from core.ports import ApprovalQueue, Audit, Effects, Incidents, Reports


@dataclass(frozen=True, slots=True)
class Trail:
    """What a timeline shows; `incident` is None for a conversation's report."""

    subject: str
    incident: Incident | None
    reports: tuple[Report, ...]
    approvals: tuple[ApprovalRequest, ...]
    effects: dict[str, Effect]
    """By approval id."""
    audit: tuple[AuditEvent, ...]


@dataclass(frozen=True, slots=True)
class Trails:
    """Reads trails through the ports."""

    incidents: Incidents
    reports: Reports
    approvals: ApprovalQueue
    effects: Effects
    audit: Audit

    async def of(self, subject: str) -> Trail:
        """Return the trail of an incident's or a report's id; NoDataError when there is neither."""
        report = await self.reports.load(subject)
        return await self._of_report(report) if report is not None else await self._of_incident(subject)

    async def _of_incident(self, incident_id: str) -> Trail:
        incident = await self.incidents.load(incident_id)
        approvals = await self.approvals.of(incident_id=incident_id)
        reports = await self.reports.of_thread(incident_thread_id(incident_id))
        audit = await self.audit.of_incident(incident_id)
        return Trail(
            incident_id, incident, tuple(reports), tuple(approvals), await self._effects_of(approvals), tuple(audit)
        )

    async def _of_report(self, report: Report) -> Trail:
        approvals = await self.approvals.of(report_id=report.id)
        audit = [*await self.audit.of_subject(report.id)]
        for request in approvals:
            audit += await self.audit.of_subject(request.id)
        audit.sort(key=lambda event: event.at)
        return Trail(report.id, None, (report,), tuple(approvals), await self._effects_of(approvals), tuple(audit))

    async def _effects_of(self, approvals: Sequence[ApprovalRequest]) -> dict[str, Effect]:
        found = {request.id: await self.effects.load(request.action_id) for request in approvals}
        return {approval_id: effect for approval_id, effect in found.items() if effect is not None}
