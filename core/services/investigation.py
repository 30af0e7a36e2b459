"""An incident or a question becomes a report in its thread, and its proposal a request."""

from dataclasses import dataclass

from core.audit import AuditEvent
from core.brief import Brief, Place
from core.errors import NoDataError
from core.evidence import Report, latest_look
from core.ids import conversation_place, conversation_thread_id, incident_thread_id, stable_id
from core.ports import Audit, Cards, Clock, GraphRunner, Incidents, Reports
from core.services.remediation import Remediation

_FINISHED = "InvestigationFinished"


@dataclass(frozen=True, slots=True)
class Investigation:
    """The use case behind an incident's first look, a mention, a direct message, a shortcut and a follow-up."""

    runner: GraphRunner
    incidents: Incidents
    reports: Reports
    remediation: Remediation
    cards: Cards
    audit: Audit
    clock: Clock

    async def of_incident(self, incident_id: str, requester: str, look: str) -> Report:
        """Look into an incident; the same `look` again gives the same report, and so does any look once a remedy is
        proposed."""
        report_id = stable_id("rep", incident_id, look)
        latest = latest_look(await self.reports.of_thread(incident_thread_id(incident_id)))
        if latest is not None and latest.proposal is not None and latest.id != report_id:
            return latest
        place = await self.cards.show_incident(incident_id)
        brief = Brief(
            report_id=report_id,
            thread_id=incident_thread_id(incident_id),
            place=place,
            requester=requester,
            incident_id=incident_id,
            at=self.clock.now(),
        )
        return await self.run(brief)

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
        return await self.run(brief)

    async def run(self, brief: Brief) -> Report:
        """Investigate and do what follows from the report; the same brief again gives the same report."""
        report = await self.runner.investigate(brief)
        await self._follow(report, brief.place)
        return report

    async def show(self, report_id: str) -> None:
        """Do what follows from a report that is written, for one that a crash left there; safe to repeat."""
        report = await self.reports.load(report_id)
        if report is None:
            raise NoDataError(f"There is no report {report_id}.")
        if report.incident_id is not None:
            await self._follow(report, await self.cards.show_incident(report.incident_id))
        else:
            channel, thread_ts = conversation_place(report.thread_id)
            await self._follow(report, Place(channel=channel, thread_ts=thread_ts))

    async def _follow(self, report: Report, place: Place) -> None:
        if not await self.audit.has(_FINISHED, report.id, {}):
            proposal = report.proposal.name if report.proposal else ""
            await self.audit.append(
                AuditEvent(
                    kind=_FINISHED,
                    actor=report.mind,
                    subject=report.id,
                    incident_id=report.incident_id,
                    at=self.clock.now(),
                    details={"requester": report.requester, "proposal": proposal},
                )
            )
        await self.cards.show_report(report.id, place)
        if report.incident_id is not None:
            await self.cards.show_incident(report.incident_id)
        if not await self.remediation.propose(report, place):
            # With a proposal its own job notes this, once it is asked for: a job can be lost with Redis.
            await self.reports.shown(report.id, self.clock.now())
