"""After a rejection: the investigation hears what was rejected and why, and may propose something else."""

from dataclasses import dataclass

from core.brief import Brief, Place
from core.ids import stable_id
from core.objection import rejection_of
from core.ports import Approvals, Cards, Clock, Reports
from core.services.investigation import Investigation

MOST = 2
"""How often something else may be proposed for one incident or one question."""


@dataclass(frozen=True, slots=True)
class Reconsideration:
    """The use case behind that job; safe to repeat."""

    investigation: Investigation
    approvals: Approvals
    reports: Reports
    cards: Cards
    clock: Clock

    async def reconsider(self, approval_id: str) -> None:
        """Look again, with the rejection in mind, or say that there is nothing else to propose."""
        request = await self.approvals.load(approval_id)
        rejection = rejection_of(request)
        report = await self.reports.load(request.report_id) if request.report_id else None
        if rejection is None or report is None:
            return
        report_id = stable_id("rep", request.id, "reconsider")
        place = Place(channel=request.channel, thread_ts=request.thread_ts)
        earlier = [
            each
            for each in await self.reports.of_thread(report.thread_id)
            if each.after_rejection_of and each.question == report.question and each.id != report_id
        ]
        if len(earlier) >= MOST:
            said = (
                f"That was rejected as well. I looked for something else {MOST} times: I have nothing else to propose."
            )
            await self.cards.say(place, said, key=f"{request.id}:nothing_else")
            return
        brief = Brief(
            report_id=report_id,
            thread_id=report.thread_id,
            place=place,
            requester=report.requester,
            question=report.question,
            incident_id=report.incident_id,
            after_rejection_of=request.id,
            at=self.clock.now(),
        )
        await self.investigation.run(brief)
