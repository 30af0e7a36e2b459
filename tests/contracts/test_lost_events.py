"""Rows of events that went with Redis: given up once, and never while their event is in a stream."""

from collections.abc import Collection, Iterable
from datetime import timedelta

from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import Database
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stock import Stock
from bot.blocks.dead_letter_card import build_dead_letter_card, many_text
from bot.lost_events import AFTER, LOST, LostEvents
from core.event import Event
from tests.fakes.clock import FakeClock
from tests.fakes.examples import an_event


async def begun(rows: SqlDeliveries, clock: FakeClock, *events: Event) -> None:
    for event in events:
        await rows.begin(event, clock.now(), most=3)


async def nothing(_: Iterable[str]) -> Collection[str]:
    return ()


async def test_what_is_in_no_stream_is_given_up_and_what_is_in_one_is_not(redis_url: str, database: Database) -> None:
    redis, rows, clock = connect(redis_url), SqlDeliveries(database), FakeClock()
    queued = [an_event(id=f"a:{n}", kind=kind) for n, kind in enumerate(("alert", "job.resume", "slack.interactive"))]
    queued += [an_event(id=f"long {n}" * 50, key=str(n)) for n in range(250)]
    await RedisQueue(redis).put_many(queued)
    lost = an_event(kind="job.ask")
    await begun(rows, clock, lost, queued[0], queued[1], queued[2], queued[-1])
    clock.advance(AFTER)
    await begun(rows, clock, an_event())
    clock.advance(seconds=1)
    for _ in range(2):
        await LostEvents(rows, Stock(redis).ids, clock).tick()
    await redis.aclose()
    (letter,) = await rows.dead()
    assert (letter.id, letter.error, letter.event, letter.can_be_retried) == (lost.id, LOST, None, False)
    assert "send it again" in str(build_dead_letter_card(letter))
    assert "1 of them said is gone" in many_text([letter])


async def test_if_the_streams_were_not_asked_what_waits_would_be_given_up(database: Database) -> None:
    rows, clock = SqlDeliveries(database), FakeClock()
    await begun(rows, clock, an_event())
    clock.advance(AFTER + timedelta(seconds=1))
    await LostEvents(rows, nothing, clock).tick()
    assert len(await rows.dead()) == 1


async def test_what_a_person_sent_back_and_redis_lost_keeps_what_it_said(database: Database) -> None:
    rows, clock, event = SqlDeliveries(database), FakeClock(), an_event()
    await rows.bury(event, "ValueError", clock.now())
    await rows.decide(event.id, retry=True, person="U1", now=clock.now())
    clock.advance(AFTER + timedelta(seconds=1))
    office = LostEvents(rows, nothing, clock)
    await office.tick()
    assert await rows.dead() == []  # the queue has not had it yet
    await rows.told((await rows.untold())[0])
    await office.tick()
    (letter,) = await rows.dead()
    assert (letter.event, letter.can_be_retried) == (event, True)


async def test_an_attempt_that_begins_while_the_streams_are_read_keeps_its_event(database: Database) -> None:
    rows, clock, event = SqlDeliveries(database), FakeClock(), an_event()
    await begun(rows, clock, event)
    clock.advance(AFTER + timedelta(seconds=1))

    async def meanwhile(_: Iterable[str]) -> Collection[str]:
        await begun(rows, clock, event)
        return ()

    await LostEvents(rows, meanwhile, clock).tick()
    assert await rows.dead() == []
