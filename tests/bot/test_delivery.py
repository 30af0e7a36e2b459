"""Between queue and use cases: what counts as an attempt, who is given up for it, and who is not."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from bot.delivery import Delivery
from bot.gate import Gate
from core.errors import TransientError
from core.event import UNREADABLE, Event
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until


class Script:
    """A handler that does what it is told for each event, and counts."""

    def __init__(self, **faults: Callable[[], Awaitable[object]] | Exception) -> None:
        self.faults = faults
        self.begun: Counter[str] = Counter()

    async def __call__(self, event: Event) -> None:
        self.begun[event.id] += 1
        fault = self.faults.get(event.id)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            await fault()


def a_delivery(script: Script, rows: InMemoryDeliveries, clock: FakeClock | None = None) -> Delivery:
    return Delivery(script, rows, clock or FakeClock())


async def deliver(delivery: Delivery, event: Event, times: int) -> list[bool]:
    """Deliver the event as the queue does after each fault; says of each whether it may be struck off."""
    struck: list[bool] = []
    for _ in range(times):
        try:
            await delivery.handle(event)
        except (ValueError, TransientError):
            struck.append(False)
        else:
            struck.append(True)
    return struck


async def test_an_event_that_is_done_runs_nothing_when_it_comes_again() -> None:
    script, rows = Script(), InMemoryDeliveries()
    for _ in range(4):  # each by a process that knows nothing of the others
        await a_delivery(script, rows).handle(an_event(id="e1"))
    assert script.begun == {"e1": 1}


async def test_a_retry_that_is_the_only_delivery_runs() -> None:
    """Its first delivery was acknowledged by nobody and begun by a process that died."""
    script, rows = Script(), InMemoryDeliveries()
    await rows.begin(an_event(id="e1"), FakeClock().now(), most=3)
    await a_delivery(script, rows).handle(an_event(id="e1"))
    assert script.begun == {"e1": 1}
    assert rows.rows["e1"].status == "done"


async def test_a_row_that_remembers_less_runs_it_again() -> None:
    script = Script()
    for _ in range(2):
        await a_delivery(script, InMemoryDeliveries()).handle(an_event(id="e1"))
    assert script.begun == {"e1": 2}


async def test_three_faults_make_a_dead_letter_without_the_words_of_the_fault() -> None:
    script, rows = Script(bad=ValueError("the password is tomato")), InMemoryDeliveries()
    assert await deliver(a_delivery(script, rows), an_event(id="bad"), 5) == [False, False, True, True, True]
    assert script.begun == {"bad": 3}
    (letter,) = await rows.dead()
    assert letter.error.startswith("ValueError (ref ref_")
    assert letter.event == an_event(id="bad")


async def test_outages_are_tried_again_without_counting_but_not_for_ever() -> None:
    script, rows, clock = Script(late=TransientError("database: gone")), InMemoryDeliveries(), FakeClock()
    delivery, event = a_delivery(script, rows, clock), an_event(id="late")
    assert await deliver(delivery, event, 30) == [False] * 30
    clock.advance(minutes=59)
    assert await deliver(delivery, event, 1) == [False]
    clock.advance(minutes=1)
    assert await deliver(delivery, event, 2) == [True, True]
    assert [letter.error[:14] for letter in await rows.dead()] == ["TransientError"]
    assert script.begun == {"late": 32}


async def test_an_attempt_that_a_stop_cut_short_does_not_count() -> None:
    script, rows = Script(slow=lambda: asyncio.sleep(30)), InMemoryDeliveries()
    for number in range(5):
        delivery = a_delivery(script, rows)
        task = asyncio.create_task(delivery.handle(an_event(id="slow")))
        await wait_until(lambda number=number: script.begun["slow"] == number + 1)
        task.cancel()
        await asyncio.wait([task])
        await delivery.close()
    assert rows.rows["slow"].attempts == 0


async def test_an_unreadable_entry_is_buried_at_once_with_what_it_held() -> None:
    script, rows = Script(), InMemoryDeliveries()
    raw = an_event(kind=UNREADABLE, body={"fields": {"event": "{not json"}})
    await a_delivery(script, rows).handle(raw)
    (letter,) = await rows.dead()
    assert letter.event is not None
    assert (letter.event.body, letter.can_be_retried, script.begun) == (raw.body, False, {})


class Flaky(InMemoryDeliveries):
    """Rows that cannot be written while `away`."""

    away = False

    async def done(self, event_id: str, now: datetime) -> None:
        if self.away:
            raise TransientError("database: OperationalError")
        await super().done(event_id, now)


async def test_a_success_that_could_not_be_noted_is_noted_later_and_not_repeated() -> None:
    script, rows = Script(), Flaky()
    delivery = a_delivery(script, rows)
    rows.away = True
    assert await deliver(delivery, an_event(id="e1"), 4) == [False] * 4
    rows.away = False
    assert await deliver(delivery, an_event(id="e1"), 2) == [True, True]
    assert script.begun == {"e1": 1}


async def life(rows: InMemoryDeliveries, events: list[Event], alone: bool = True) -> list[str]:
    """Live until the poison kills the process, or until all is done; returns who was begun.

    Nobody who runs beside the poison ends."""
    doomed, dead = asyncio.Event(), asyncio.Event()

    async def kill() -> None:
        doomed.set()
        await asyncio.sleep(0.02)
        dead.set()
        await asyncio.Event().wait()

    async def work() -> None:
        await asyncio.sleep(0)
        if doomed.is_set():
            await asyncio.Event().wait()

    script = Script(poison=kill, **{event.id: work for event in events[1:]})
    delivery = a_delivery(script, rows)
    if not alone:
        delivery._gate = Open()
    tasks = [asyncio.create_task(delivery.handle(event)) for event in events if rows_status(rows, event) == "taken"]
    death = asyncio.create_task(dead.wait())
    ended = asyncio.create_task(asyncio.wait(tasks))
    await asyncio.wait([death, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, death, ended):
        task.cancel()  # without a word: nobody calls close()
    await asyncio.wait([*tasks, death, ended])
    return sorted(script.begun)


def rows_status(rows: InMemoryDeliveries, event: Event) -> str:
    return rows.rows[event.id].status if event.id in rows.rows else "taken"


class Open(Gate):
    """Everybody may be in at once: the broken variant."""

    @asynccontextmanager
    async def alone(self, patience: float) -> AsyncIterator[None]:
        yield


async def buried_beside_a_poison(alone: bool) -> tuple[list[str], int]:
    """Let a poison kill one process after the other; returns who was given up, and how many processes it took."""
    rows, lives = InMemoryDeliveries(), 0
    events = [an_event(id=name, key=name) for name in ("poison", *(f"innocent{number}" for number in range(6)))]
    while any(rows_status(rows, event) == "taken" for event in events) and lives < 20:
        lives += 1
        await life(rows, events, alone)
    return [letter.id for letter in await rows.dead()], lives


async def test_of_all_that_ran_beside_a_poison_only_the_poison_is_given_up() -> None:
    buried, lives = await buried_beside_a_poison(alone=True)
    assert buried == ["poison"]
    assert lives == 4  # three deaths, and one life to bury it


async def test_if_suspects_run_side_by_side_the_innocent_are_given_up_too() -> None:
    buried, _ = await buried_beside_a_poison(alone=False)
    assert len(buried) > 1


async def test_those_who_wait_for_their_turn_alone_are_not_counted_when_the_process_dies() -> None:
    rows = InMemoryDeliveries()
    events = [an_event(id=name, key=name) for name in ("poison", "a", "b")]
    for _ in range(3):
        await life(rows, events)
    counts = {each: row.attempts for each, row in rows.rows.items()}
    assert counts["poison"] == 3
    assert (counts["a"], counts["b"]) == (2, 2)


@pytest.mark.parametrize("number", [1, 5])
async def test_how_often_it_is_tried_can_be_set(number: int) -> None:
    script, rows = Script(bad=ValueError()), InMemoryDeliveries()
    delivery = Delivery(script, rows, FakeClock(), most=number, patience=timedelta(seconds=1))
    await deliver(delivery, an_event(id="bad"), number + 2)
    assert script.begun == {"bad": number}
