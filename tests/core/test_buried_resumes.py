"""A verdict that cannot be handed on is given up once, with one dead letter, and its request ends in sight."""

from typing import Any

import pytest

from bot.delivery import Delivery
from core.approval import ApprovalRequest, ApprovalStatus
from core.dead_letter import DeadLetter
from core.services.endings import Endings
from core.services.leftovers import Leftovers
from core.services.sweeper import Sweeper
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_report, a_request, an_event
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports
from tests.fakes.toolbox import PretendToolBox


class Endless(Leftovers):
    """Broken on purpose: does not look at what was given up."""

    async def _bury(self, letter: DeadLetter, undelivered: Any) -> None:
        return


class House:
    """Sweeper and leftovers around a queue whose every job fails for good."""

    def __init__(self, kind: type[Leftovers] = Leftovers) -> None:
        self.clock, self.audit, self.queue, self.cards = FakeClock(), InMemoryAudit(), InMemoryQueue(), RecordingCards()
        self.approvals, self.letters, self.reports = (
            InMemoryApprovals(self.audit),
            InMemoryDeliveries(),
            InMemoryReports(),
        )
        incidents, toolbox = InMemoryIncidents(), PretendToolBox()
        endings = Endings(self.approvals, self.cards, self.audit, self.clock)
        self.sweeper = Sweeper(self.approvals, self.approvals, incidents, self.cards, self.queue, self.clock)
        effects = InMemoryEffects(self.audit, self.approvals)
        self.leftovers = kind(
            self.approvals, self.approvals, effects, incidents, self.reports, toolbox, endings, self.queue, self.clock,
            self.letters,
        )  # fmt: skip

    async def decided(self, status: ApprovalStatus) -> ApprovalRequest:
        row = await self.approvals.create(a_request(incident_id=None))
        now = self.clock.now()
        await self.approvals.claim(row.id, digest=row.digest, status=status, now=now, execute_by=row.decide_by)
        return row

    async def twenty_minutes(self) -> int:
        """Tick as the worker does; return how many dead letters there are."""

        async def fail(_: object) -> None:
            raise ValueError("the graph cannot be resumed, for good")

        delivery = Delivery(fail, self.letters, self.clock)
        for _ in range(240):
            self.clock.advance(seconds=5)
            await self.sweeper.tick()
            await self.leftovers.tick()
            while self.queue.waiting:
                event = self.queue.waiting.pop(0)
                for _ in range(4):
                    try:
                        await delivery.handle(event)
                    except ValueError:
                        continue
                    break
        return len(await self.letters.dead())


@pytest.mark.parametrize("status", [ApprovalStatus.APPROVED, ApprovalStatus.REJECTED])
async def test_a_resume_that_always_fails_is_one_dead_letter(status: ApprovalStatus) -> None:
    house = House()
    row = await house.decided(status)
    assert await house.twenty_minutes() == 1
    ended = (await house.approvals.load(row.id)).status
    assert ended is (ApprovalStatus.UNKNOWN if status is ApprovalStatus.APPROVED else status)
    assert house.audit.kinds.count("NeedsHuman") == (1 if status is ApprovalStatus.APPROVED else 0)


async def test_without_the_line_under_it_every_half_minute_brings_another() -> None:
    house = House(Endless)
    await house.decided(ApprovalStatus.REJECTED)
    assert await house.twenty_minutes() > 20


async def test_a_proposal_that_was_given_up_is_not_asked_for_again() -> None:
    house = House()
    await house.reports.save(a_report(id="rep_1", finished_at=house.clock.now()))
    await house.letters.bury(an_event(kind="job.propose", body={"report_id": "rep_1"}), "broken", house.clock.now())
    house.clock.advance(seconds=20)
    await house.leftovers.tick()
    assert house.reports.told == {"rep_1"}
