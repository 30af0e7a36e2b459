"""An incident or a question becomes a report in its thread, and its proposal a request."""

from dataclasses import dataclass

from core.audit import AuditEvent
from core.brief import Brief, Place
from core.evidence import Report
from core.ids import conversation_thread_id, incident_thread_id, stable_id
from core.ports import Audit, Cards, Clock, GraphRunner, Incidents
from core.services.remediation import Remediation


@dataclass(frozen=True, slots=True)
class Investigation:
    """The use case behind an incident's first look, a mention, a direct message, a shortcut and a follow-up."""

    runner: GraphRunner
    incidents: Incidents
    remediation: Remediation
    cards: Cards
    audit: Audit
    clock: Clock

    async def of_incident(self, incident_id: str, requester: str) -> Report:
        """Look into an incident for the first time; the same incident again gives the same report."""
        place = await self.cards.show_incident(incident_id)
        brief = Brief(
            report_id=stable_id("rep", incident_id, "first"),
            thread_id=incident_thread_id(incident_id),
            place=place,
            requester=requester,
            incident_id=incident_id,
            at=self.clock.now(),
        )
        return await self._run(brief)

    async def of_question(self, question: str, requester: str, place: Place, message_ts: str) -> Report:
        """Answer a question in its thread; a thread that belongs to an incident shares the incident's memory."""
        incident = await self.incidents.at(place.channel, place.thread_ts)
        thread_id = (
            incident_thread_id(incident.id) if incident else conversation_thread_id(place.channel, place.thread_ts)
        )
        brief = Brief(
            report_id=stable_id("rep", place.channel, message_ts),
            thread_id=thread_id,
            place=place,
            requester=requester,
            question=question,
            incident_id=incident.id if incident else None,
            at=self.clock.now(),
        )
        return await self._run(brief)

    async def _run(self, brief: Brief) -> Report:
        report = await self.runner.investigate(brief)
        await self.audit.append(
            AuditEvent(
                kind="InvestigationFinished",
                actor=report.mind,
                subject=report.id,
                incident_id=report.incident_id,
                at=self.clock.now(),
                details={"requester": report.requester, "proposal": report.proposal.name if report.proposal else ""},
            )
        )
        await self.cards.show_report(report.id, brief.place)
        if report.incident_id is not None:
            await self.cards.show_incident(report.incident_id)
        await self.remediation.propose(report, brief.place)
        return report
