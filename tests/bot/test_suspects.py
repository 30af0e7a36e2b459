"""Who is given up for a process that died, for a stop, or on late news: nobody but whose fault it was."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from bot.delivery import Delivery
from bot.gate import Gate
from core.errors import TransientError
from core.event import Event, Start
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until


class Open(Gate):
    """The broken variant: who is alone keeps nobody out and waits for nobody."""

    @asynccontextmanager
    async def alone(self, patience: float) -> AsyncIterator[None]:
        yield


async def life(rows: InMemoryDeliveries, events: list[Event], gate: Gate) -> bool:
    """Live until a poison kills the process (False) or all is done; what is no poison takes long."""
    killed = asyncio.Event()

    async def handle(event: Event) -> None:
        if event.id.startswith("poison"):
            await asyncio.sleep(0.01)
            killed.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)

    delivery = Delivery(handle, rows, FakeClock())
    delivery._gate = gate
    tasks = [asyncio.create_task(delivery.handle(event)) for event in events]
    death, ended = asyncio.create_task(killed.wait()), asyncio.create_task(asyncio.wait(tasks))
    await asyncio.wait([death, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, death, ended):
        task.cancel()  # without a word: nobody calls close()
    await asyncio.wait([*tasks, death, ended])
    return not killed.is_set()


async def buried_by_one_poison_after_the_other(gate: type[Gate]) -> list[str]:
    rows, lives = InMemoryDeliveries(), 0
    events = [an_event(id=name, key=name) for name in ("slow", "poison1", "poison2")]
    while not await life(rows, events[: 2 if lives < 2 else 3], gate()):
        lives += 1
        assert lives < 20
    return [letter.id for letter in await rows.dead()]


async def test_a_fresh_poison_does_not_run_beside_the_last_attempt_of_an_innocent() -> None:
    assert await buried_by_one_poison_after_the_other(Gate) == ["poison1", "poison2"]


async def test_if_it_did_the_innocent_would_be_given_up() -> None:
    assert "slow" in await buried_by_one_poison_after_the_other(Open)


async def test_an_event_that_failed_twice_by_itself_is_not_given_up_for_dying_beside_a_poison() -> None:
    """Its last attempt is no suspect's, so others ran beside it: it has one more, alone."""
    rows, event = InMemoryDeliveries(), an_event(id="slow")
    for word in ("a", "b"):
        await rows.begin(event, FakeClock().now(), most=3, attempt=word)
        await rows.failed(event.id, "ValueError", FakeClock().now(), attempt=word)
    assert not await life(rows, [event, an_event(id="poison", key="p")], Gate())
    assert await life(rows, [event], Gate())
    assert rows.rows["slow"].status == "done"


async def a_suspect(rows: InMemoryDeliveries, clock: FakeClock) -> Event:
    event = an_event(id="suspect", key="s")
    for _ in range(2):
        await rows.begin(event, clock.now(), most=3)
    return event


async def test_a_suspect_gives_way_uncounted_to_what_runs_longer_than_it_has_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.delivery._SHORTEST_WAIT", 0.05)
    rows, clock, begun, go_on = InMemoryDeliveries(), FakeClock(), [], asyncio.Event()

    async def handle(event: Event) -> None:
        begun.append(event.id)
        if event.id == "long":
            await go_on.wait()

    delivery, suspect = Delivery(handle, rows, clock), await a_suspect(rows, clock)
    long = asyncio.create_task(delivery.handle(an_event(id="long")))
    await wait_until(lambda: begun == ["long"])
    waiting = asyncio.create_task(delivery.handle(suspect))
    await asyncio.sleep(0.01)
    late = asyncio.create_task(delivery.handle(an_event(id="late")))
    with pytest.raises(TransientError):
        await waiting
    await late
    assert (begun, rows.rows["suspect"].attempts) == (["long", "late"], 2)
    clock.advance(seconds=30)  # it has stood for long now: they wait as long for it
    waiting = asyncio.create_task(delivery.handle(suspect))
    await asyncio.sleep(0.1)
    go_on.set()
    await asyncio.gather(long, waiting)
    assert (begun[-1], rows.rows["suspect"].status) == ("suspect", "done")


class SlowToTell(InMemoryDeliveries):
    """Rows that are committed, and say so only after a stop."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = asyncio.Event()

    async def begin(self, event: Event, now: datetime, *, most: int, alone: bool = False, attempt: str = "") -> Start:
        """Count, and keep it to itself."""
        start = await super().begin(event, now, most=most, alone=alone, attempt=attempt)
        self.counted.set()
        await asyncio.Event().wait()
        return start


async def attempts_after_stops(rows: SlowToTell, forgetful: bool) -> int:
    for _ in range(3):
        rows.counted.clear()
        delivery = Delivery(lambda _: asyncio.sleep(0), rows, FakeClock())
        task = asyncio.create_task(delivery.handle(an_event(id="click")))
        await rows.counted.wait()
        task.cancel()
        await asyncio.wait([task])
        if forgetful:
            delivery._cut.clear()
        await delivery.close()
        if rows.rows["click"].attempts == 2:
            break  # a suspect by now: the next would wait for its turn
    return rows.rows["click"].attempts


async def test_a_stop_that_comes_while_an_attempt_is_being_counted_does_not_count() -> None:
    assert await attempts_after_stops(SlowToTell(), forgetful=False) == 0


async def test_if_such_a_begin_is_forgotten_the_stops_count() -> None:
    assert await attempts_after_stops(SlowToTell(), forgetful=True) == 2


class Away(InMemoryDeliveries):
    """Rows that take no burial while `away`."""

    away = False

    async def bury(self, event: Event, error: str, now: datetime, *, attempt: str = "") -> None:
        """Bury, or not."""
        if self.away:
            raise TransientError("database: OperationalError")
        await super().bury(event, error, now, attempt=attempt)


class Unbound(Away):
    """The broken variant: whatever is said of an event is taken for news of its last attempt."""

    async def begin(self, event: Event, now: datetime, *, most: int, alone: bool = False, attempt: str = "") -> Start:
        """Count, under no word."""
        return await super().begin(event, now, most=most, alone=alone)

    async def failed(self, event_id: str, error: str, now: datetime, *, attempt: str = "") -> None:
        """Note it of any attempt."""
        await super().failed(event_id, error, now)

    async def release(self, attempts: Mapping[str, str], now: datetime) -> None:
        """Take any attempt back."""
        await super().release(dict.fromkeys(attempts, ""), now)

    async def bury(self, event: Event, error: str, now: datetime, *, attempt: str = "") -> None:
        """Bury it for any attempt."""
        await super().bury(event, error, now)


async def retried_after_late_news(rows: Away) -> tuple[str, int]:
    """A burial that SQL did not take is owed while another worker buries it and a person has it tried again."""
    broken, ran, clock, event = True, 0, FakeClock(), an_event(kind="job.ask")

    async def handle(_: Event) -> None:
        nonlocal ran
        ran += 1
        if broken:
            raise ValueError

    mine, other = Delivery(handle, rows, clock), Delivery(handle, rows, clock)
    for _ in range(2):
        with pytest.raises(ValueError):
            await mine.handle(event)
    rows.away = True
    with pytest.raises(TransientError):
        await mine.handle(event)
    rows.away, broken = False, True
    await other.handle(event)
    assert rows.rows[event.id].status == "dead"
    broken, ran = False, 0
    await rows.decide(event.id, retry=True, person="U1", now=clock.now() + timedelta(minutes=10))
    await mine.handle(event)
    assert not mine._owed
    return rows.rows[event.id].status, ran


async def test_a_verdict_that_comes_late_does_not_undo_a_persons_retry() -> None:
    assert await retried_after_late_news(Away()) == ("done", 1)


async def test_if_verdicts_were_not_bound_to_their_attempt_the_retry_would_be_lost() -> None:
    assert await retried_after_late_news(Unbound()) == ("dead", 0)


async def test_verdicts_for_events_that_went_to_others_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery._MOST_OWED", 5)
    rows = Away()
    rows.away = True

    async def fail(_: Event) -> None:
        raise ValueError

    delivery = Delivery(fail, rows, FakeClock(), most=1)
    for _ in range(20):
        with pytest.raises(TransientError):
            await delivery.handle(an_event())
    assert len(delivery._owed) == 5
