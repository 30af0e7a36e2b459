"""What a new alert does to an incident that is open already."""

from datetime import timedelta
from typing import Any

from core.alert import AlertStatus
from core.grouping import opened, with_alert
from core.services.alert_intake import AlertIntake
from core.tool_call import ToolCall
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import START, FakeClock
from tests.fakes.examples import a_report, an_alert
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports

REMEDY = ToolCall(name="restart_service", args={"service": "checkout"})


class House:
    """An intake over stand-ins."""

    def __init__(self) -> None:
        self.incidents, self.reports, self.queue = InMemoryIncidents(), InMemoryReports(), InMemoryQueue()
        self.intake = AlertIntake(
            self.incidents,
            self.reports,
            RecordingCards(),
            self.queue,
            InMemoryAudit(),
            FakeClock(),
            {"checkout": "prod", "payments": "prod"},
        )

    async def looks(self, **alert: Any) -> int:
        """Take an alert; returns how many looks it led to."""
        self.queue.waiting.clear()
        await self.intake.handle(an_alert(**alert))
        return sum(event.kind == "job.investigate" for event in self.queue.waiting)


async def test_a_new_alert_is_looked_into_when_the_last_look_found_nothing_to_do() -> None:
    house = House()
    assert await house.looks() == 1
    await house.reports.save(a_report())
    assert await house.looks(fingerprint="beef", name="HighLatency") == 1


async def test_a_repeat_of_what_was_looked_into_is_not() -> None:
    house = House()
    await house.looks()
    await house.reports.save(a_report())
    assert await house.looks() == 0


async def test_a_new_alert_waits_for_the_remedy_that_is_proposed() -> None:
    house = House()
    await house.looks()
    await house.reports.save(a_report(proposal=REMEDY))
    assert await house.looks(fingerprint="beef") == 0


async def test_a_question_in_the_thread_is_not_taken_for_a_look() -> None:
    house = House()
    await house.looks()
    await house.reports.save(a_report(question="who is on call?", proposal=REMEDY))
    assert await house.looks(fingerprint="beef") == 1


async def test_an_alert_without_environment_belongs_to_its_service_s() -> None:
    house = House()
    await house.looks(env="")
    [incident] = await house.incidents.open()
    assert (incident.service, incident.env) == ("checkout", "prod")


async def test_an_alert_that_names_its_service_only_in_words_is_filed_there() -> None:
    house = House()
    await house.looks(service="", env="", name="High latency", summary="High latency on payments")
    await house.looks(service="", env="", fingerprint="beef", name="HighErrorRate", summary="checkout (critical)")
    assert {incident.service for incident in await house.incidents.open()} == {"payments", "checkout"}


def test_a_worse_alert_gives_the_incident_its_title() -> None:
    incident = opened("INC-1", an_alert(severity="warning", summary="checkout is noisy"), START)
    incident, _ = with_alert(
        incident, an_alert(fingerprint="beef", severity="critical", summary="checkout fails"), START
    )
    assert incident.title == "checkout fails"
    incident, _ = with_alert(incident, an_alert(fingerprint="cafe", severity="info", summary="a detail"), START)
    assert incident.title == "checkout fails"


def test_the_notice_of_an_end_does_not_rewrite_what_rang() -> None:
    incident = opened("INC-1", an_alert(summary="checkout fails 48 %"), START)
    end = an_alert(status=AlertStatus.RESOLVED, summary="checkout fails 11 %", ends_at=START + timedelta(minutes=1))
    incident, _ = with_alert(incident, end, START)
    assert [alert.summary for alert in incident.alerts] == ["checkout fails 48 %"]
