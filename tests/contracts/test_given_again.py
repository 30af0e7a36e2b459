"""What two slow workers take from each other, and what a lost answer had given, is still worked on by somebody."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys, lanes
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stream import Entry, EventStream
from core.errors import TransientError
from core.event import Event
from tests.contracts.test_consume import consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until

OTHER = "other"
LEASE = timedelta(milliseconds=200)


def trade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have whoever asks first for its turn hear that the entry is another worker's, which dies before it hears it."""
    turn, inherit = EventStream.turn, EventStream.inherit
    asked, inherited = list[Entry](), list[Entry]()

    async def late(stream: EventStream, entry: Entry) -> str | None:
        if asked:
            return await turn(stream, entry)
        asked.append(entry)
        await stream.redis.set(keys.consumer(OTHER), "1", px=int(LEASE.total_seconds() * 1000))
        await stream.redis.xclaim(stream.name, keys.WORKERS, OTHER, 0, [entry.id])
        answer = await turn(stream, entry)
        await wait_until(lambda: inherited)
        return answer

    async def noted(stream: EventStream) -> list[Entry]:
        entries = await inherit(stream)
        inherited.extend(entries)
        return entries

    monkeypatch.setattr(EventStream, "turn", late)
    monkeypatch.setattr(EventStream, "inherit", noted)


async def test_what_came_back_before_we_knew_that_it_had_gone_is_worked_on(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(monkeypatch)
    assert await is_done(valkey, within=3)


async def test_without_the_note_of_what_came_back_it_waits_for_ever(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Forgetful(lanes.Lanes):
        def add(self, entry: Entry) -> None:
            if entry.id not in self:
                super().add(entry)

    monkeypatch.setattr("bot.adapters.redis.consumer.Lanes", Forgetful)
    trade(monkeypatch)
    assert not await is_done(valkey, within=1)


async def test_what_was_inherited_with_an_answer_that_was_lost_is_worked_on(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherit, lost = EventStream.inherit, list[str]()

    async def unheard(stream: EventStream) -> list[Entry]:
        entries = await inherit(stream)
        if entries and not lost:
            lost.extend(entry.id for entry in entries)
            raise TransientError("redis: the answer was lost")
        return entries

    queue = RedisQueue(valkey)
    await queue.put(an_event())
    stream = EventStream(valkey, keys.stream_of(an_event().kind), OTHER)
    await stream.open()
    assert await stream.fresh(timedelta(seconds=1))
    monkeypatch.setattr(EventStream, "inherit", unheard)
    assert await is_done(valkey, within=4, put=False)
    assert lost


async def is_done(valkey: Redis, within: float, *, put: bool = True) -> bool:
    """Return whether the worker has seen an event through in so many seconds."""
    queue = RedisQueue(valkey, lease=LEASE)

    async def handle(event: Event) -> None:
        assert event.id

    if put:
        await queue.put(an_event())
    async with consuming(queue, handle):
        try:
            await wait_until(lambda: is_empty(valkey), within)
        except AssertionError:
            return False
    return True
