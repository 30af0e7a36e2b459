"""An alert that a crash cut short in the middle is finished by its redelivery, wherever the crash came."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.alert import Alert, AlertStatus
from core.errors import NoDataError
from core.incident import Incident, IncidentStatus
from core.services.alert_intake import AlertIntake
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import FakeClock
from tests.fakes.examples import a_report, an_alert
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports


class Crash(Exception):
    """The process is gone."""


class CrashingOnce:
    """Passes everything on to the real thing, but the first call of one method is the process's last."""

    def __init__(self, real: Any, method: str) -> None:
        self.real = real
        self.method: str | None = method

    def __getattr__(self, name: str) -> Any:
        if name != self.method:
            return getattr(self.real, name)
        self.method = None
        return self._die

    async def _die(self, *_: object) -> None:
        raise Crash


class Forgetful(InMemoryIncidents):
    """Knows nothing of what has ended: the variant that the test must catch."""

    async def join(self, alert: Alert, now: datetime) -> tuple[Incident, bool]:
        if alert.status is AlertStatus.RESOLVED and not await self.open():
            raise NoDataError("no open incident")
        return await super().join(alert, now)


class House:
    """An intake over stand-ins, with an incident whose card stands and whose report is written."""

    def __init__(self, incidents: InMemoryIncidents) -> None:
        self.clock = FakeClock()
        self.parts: dict[str, Any] = {"incidents": incidents, "reports": InMemoryReports(), "cards": RecordingCards()}
        self.parts |= {"queue": InMemoryQueue(), "audit": InMemoryAudit()}

    def intake(self, **changes: Any) -> AlertIntake:
        return AlertIntake(**(self.parts | changes), clock=self.clock)

    async def open(self) -> None:
        incident = await self.intake().handle(an_alert())
        assert incident is not None
        await self.parts["incidents"].place(incident.id, "C1", "1.1")
        await self.parts["reports"].save(a_report())
        self.parts["queue"].waiting.clear()
        self.clock.advance(timedelta(minutes=5))

    async def end_twice(self, crash: str) -> None:
        """Deliver the alert's end, crash at that method, and deliver it again."""
        part, method = crash.split(".")
        end = an_alert(status=AlertStatus.RESOLVED, ends_at=self.clock.now())
        with pytest.raises(Crash):
            await self.intake(**{part: CrashingOnce(self.parts[part], method)}).handle(end)
        self.clock.advance(timedelta(minutes=1))
        await self.intake().handle(end)

    @property
    def refreshes(self) -> int:
        return sum(event.kind == "job.refresh" for event in self.parts["queue"].waiting)

    async def recorded(self) -> list[Any]:
        return [row.details["status"] for row in await self.parts["audit"].of_incident("INC-1")]


CRASHES = ["audit.append", "queue.put"]


@pytest.mark.parametrize("crash", CRASHES)
async def test_an_end_that_is_delivered_again_reaches_the_card_and_the_audit_once(crash: str) -> None:
    house = House(InMemoryIncidents())
    await house.open()
    await house.end_twice(crash)
    assert (await house.parts["incidents"].load("INC-1")).status is IncidentStatus.RESOLVED
    assert house.refreshes == 1
    assert await house.recorded() == ["firing", "resolved"]


@pytest.mark.parametrize("crash", CRASHES)
async def test_a_store_that_forgets_what_ended_leaves_the_card_as_it_was(crash: str) -> None:
    house = House(Forgetful())
    await house.open()
    await house.end_twice(crash)
    assert house.refreshes == 0


async def test_repeats_are_recorded_once_for_each_state_of_the_alert() -> None:
    house = House(InMemoryIncidents())
    await house.open()
    again = an_alert(starts_at=house.clock.now())
    for alert in (an_alert(), again, again, an_alert()):
        await house.intake().handle(alert)
    assert await house.recorded() == ["firing", "firing"]
