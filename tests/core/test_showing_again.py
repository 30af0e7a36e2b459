"""A report that a crash left unshown is followed by everything that belongs to it, and by nothing twice."""

from typing import Any

import pytest

from core.brief import Place
from core.errors import NoDataError
from core.ids import conversation_place, conversation_thread_id
from core.services.investigation import Investigation
from core.services.remediation import Remediation
from core.tool_call import ToolCall
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import FakeClock
from tests.fakes.examples import a_report
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports


class PlacedCards(RecordingCards):
    """Cards that remember where each report was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    async def show_report(self, report_id: str, place: Place) -> None:
        await super().show_report(report_id, place)
        self.places.append(place)


class Room:
    def __init__(self) -> None:
        self.cards, self.audit, self.queue = PlacedCards(), InMemoryAudit(), InMemoryQueue()
        self.reports, approvals, clock = InMemoryReports(), InMemoryApprovals(), FakeClock()
        runner: Any = None
        remediation = Remediation(runner, approvals, approvals, self.queue, clock)
        incidents = InMemoryIncidents()
        self.desk = Investigation(runner, incidents, self.reports, remediation, self.cards, self.audit, clock)


async def test_a_conversations_report_goes_into_its_thread_with_its_proposal_once() -> None:
    room = Room()
    thread = conversation_thread_id("C0OPS", "1700000000.000100")
    call = ToolCall(name="restart_service", args={"service": "checkout"})
    await room.reports.save(a_report(id="rep_1", thread_id=thread, incident_id=None, proposal=call))
    for _ in range(2):
        await room.desk.show("rep_1")
    assert room.cards.places == [Place(channel="C0OPS", thread_ts="1700000000.000100")] * 2
    assert room.audit.kinds == ["InvestigationFinished"]
    assert [event.kind for event in room.queue.waiting] == ["job.propose"]
    assert room.reports.told == set(), "noted by the proposal's own job, which may still get lost"


async def test_an_incidents_report_goes_under_its_card() -> None:
    room = Room()
    await room.reports.save(a_report(id="rep_1"))
    await room.desk.show("rep_1")
    assert room.cards.shown == [("incident", "INC-1"), ("report", "rep_1"), ("incident", "INC-1")]
    assert room.reports.told == {"rep_1"}


async def test_a_report_that_is_not_there_is_said_so() -> None:
    with pytest.raises(NoDataError):
        await Room().desk.show("rep_none")


def test_a_conversations_thread_names_its_place() -> None:
    assert conversation_place(conversation_thread_id("C1", "17.5")) == ("C1", "17.5")
