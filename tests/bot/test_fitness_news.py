"""When the self-check changes its mind, history and every open card hear of it, once, even if that takes two tries."""

import pytest

from bot.fitness_news import FitnessNews
from core.errors import TransientError
from core.event import Event
from core.incident import Incident
from tests.bot.stage import Stage, open_stage, words
from tests.bot.test_self_check import GREEN, RED, Bench
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.examples import a_request, an_alert
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue


class LockedOnce(InMemoryQueue):
    """A queue whose Redis is away the first time."""

    away = True

    async def put(self, event: Event) -> bool:
        if self.away:
            self.away = False
            raise TransientError("redis: ConnectionError")
        return await super().put(event)


class Newsroom:
    """News over a scripted self-check, an incident with a request, and one without."""

    def __init__(self, queue: InMemoryQueue | None = None) -> None:
        self.bench, self.audit = Bench(), InMemoryAudit()
        self.approvals, self.incidents = InMemoryApprovals(), InMemoryIncidents()
        self.queue = queue or InMemoryQueue()
        self.living: dict[str, str] = {}
        self.news = self.after_a_restart()

    def after_a_restart(self, name: str = "w1") -> FitnessNews:
        return FitnessNews(
            self.bench.check,
            self.audit,
            self.approvals,
            self.incidents,
            self.queue,
            self.bench.clock,
            name,
            self._words,
        )

    async def _words(self) -> dict[str, str]:
        return self.living

    async def populate(self) -> None:
        for service in ("checkout", "payments"):
            await self.incidents.join(an_alert(service=service), self.bench.clock.now())
        await self.approvals.create(a_request(id="apr_1", incident_id="INC-1"))

    async def tick(self, answer: list[object] | None = None) -> list[object]:
        """Let the next look answer so; returns the subjects of the refreshes that were queued."""
        if answer is not None:
            self.bench.answer = answer  # pyright: ignore[reportAttributeAccessIssue]
            self.bench.wait(30)
        before = len(self.queue.waiting)
        await self.news.tick()
        return [next(iter(event.body.values())) for event in self.queue.waiting[before:]]


async def test_a_change_is_told_once_to_history_and_to_every_open_card() -> None:
    room = Newsroom()
    await room.populate()
    assert await room.tick(GREEN) == []
    assert await room.tick(RED) == ["apr_1", "INC-2"]
    assert await room.tick(RED) == []
    assert await room.tick(GREEN) == ["apr_1", "INC-2"]
    assert room.audit.kinds == ["SelfCheckFailed", "SelfCheckPassed"]
    assert room.audit.events[0].details["why"] == "this Redis forgets"
    assert [event.details["worker"] for event in room.audit.events] == ["w1", "w1"]


async def test_what_could_not_be_told_is_told_at_the_next_tick() -> None:
    room = Newsroom(LockedOnce())
    await room.populate()
    await room.tick(GREEN)
    with pytest.raises(TransientError):
        await room.tick(RED)
    assert await room.tick() == ["apr_1", "INC-2"]


async def test_a_banner_that_a_dead_process_left_is_taken_down() -> None:
    room = Newsroom()
    await room.populate()
    await room.tick(RED)
    room.news = room.after_a_restart()
    assert await room.tick(GREEN) == ["apr_1", "INC-2"]
    room.news = room.after_a_restart()
    assert await room.tick(GREEN) == []


@pytest.mark.parametrize(("lives", "drawn"), [(True, []), (False, ["apr_1", "INC-2"])])
async def test_a_banner_of_a_living_worker_is_not_taken_down_by_another_ones_start(
    lives: bool, drawn: list[object]
) -> None:
    room = Newsroom()
    await room.populate()
    await room.tick(RED)
    room.living = {"w1": "this Redis forgets", "w2": ""} if lives else {"w2": ""}
    room.news = room.after_a_restart("w2")
    assert await room.tick(GREEN) == drawn


async def banners(stage: Stage, banner: str) -> tuple[bool, bool, Incident]:
    row = await stage.a_card()
    await stage.cards(banner=lambda: banner).show_approval(row.id)
    assert row.incident_id is not None
    incident = await stage.incidents.load(row.incident_id)
    root = next(each for each in await stage.history() if each["ts"] == incident.thread_ts)
    told = "this Redis forgets"
    return told in words(await stage.shown(row)), told in words(root), incident


@pytest.mark.parametrize("banner", ["this Redis forgets", ""])
async def test_open_cards_say_that_nothing_will_run_and_why(banner: str) -> None:
    async with open_stage() as stage:
        on_request, on_incident, _ = await banners(stage, banner)
    assert (on_request, on_incident) == (bool(banner), bool(banner))
