"""From an incident or a report to everything that is written about it; SQL keeps the order."""

from dataclasses import dataclass

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.effect import Effect
from core.errors import NoDataError
from core.evidence import Report
from core.ids import approval_id_of, incident_thread_id, remediation_id_of
from core.incident import Incident
from core.ports import Approvals, Audit, Effects, Incidents, Reports

_ATTEMPTS = 4


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
    approvals: Approvals
    effects: Effects
    audit: Audit

    async def of(self, subject: str) -> Trail:
        """Return the trail of an incident's or a report's id; NoDataError when there is neither."""
        report = await self.reports.load(subject)
        return await self._of_report(report) if report is not None else await self._of_incident(subject)

    async def _of_incident(self, incident_id: str) -> Trail:
        incident = await self.incidents.load(incident_id)
        approvals = await approvals_of_incident(self.audit, self.approvals, incident_id)
        reports = await self.reports.of_thread(incident_thread_id(incident_id))
        audit = await self.audit.of_incident(incident_id)
        return Trail(
            incident_id, incident, tuple(reports), tuple(approvals), await self._effects_of(approvals), tuple(audit)
        )

    async def _of_report(self, report: Report) -> Trail:
        approvals = [request for request in [await self._load(i) for i in _request_ids(report)] if request is not None]
        audit = [*await self.audit.of_subject(report.id)]
        for request in approvals:
            audit += await self.audit.of_subject(request.id)
        audit.sort(key=lambda event: event.at)
        return Trail(report.id, None, (report,), tuple(approvals), await self._effects_of(approvals), tuple(audit))

    async def _effects_of(self, approvals: list[ApprovalRequest]) -> dict[str, Effect]:
        found = {request.id: await self.effects.load(request.action_id) for request in approvals}
        return {approval_id: effect for approval_id, effect in found.items() if effect is not None}

    async def _load(self, approval_id: str) -> ApprovalRequest | None:
        try:
            return await self.approvals.load(approval_id)
        except NoDataError:
            return None


async def approvals_of_incident(audit: Audit, approvals: Approvals, incident_id: str) -> list[ApprovalRequest]:
    """Return the incident's approval requests, oldest first."""
    events = await audit.of_incident(incident_id)
    subjects = dict.fromkeys(event.subject for event in events if event.kind == "ApprovalRequested")
    requests: list[ApprovalRequest] = []
    for subject in subjects:
        try:
            requests.append(await approvals.load(subject))
        except NoDataError:
            continue
    return requests


def _request_ids(report: Report) -> list[str]:
    # A conversation's requests have no incident to be found by; their ids follow from the report's, as in the graph.
    return [approval_id_of(remediation_id_of(report.id), attempt) for attempt in range(1, _ATTEMPTS + 1)]
