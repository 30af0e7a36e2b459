"""What two slow workers take from each other, and what a lost answer had given, is still worked on by somebody."""

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys
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

    async def noted(stream: EventStream) -> tuple[list[Entry], int]:
        entries, ours = await inherit(stream)
        inherited.extend(entries)
        return entries, ours

    monkeypatch.setattr(EventStream, "turn", late)
    monkeypatch.setattr(EventStream, "inherit", noted)


async def test_what_came_back_before_we_knew_that_it_had_gone_is_worked_on(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(monkeypatch)
    assert await is_done(valkey, within=10)


async def test_without_the_servers_count_what_came_back_waits_for_the_next_start(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade(monkeypatch)
    count_nothing(monkeypatch)
    assert not await is_done(valkey, within=1)


async def test_what_was_inherited_with_an_answer_that_was_lost_is_worked_on(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherit, lost = EventStream.inherit, list[str]()

    async def unheard(stream: EventStream) -> tuple[list[Entry], int]:
        entries, ours = await inherit(stream)
        if entries and not lost:
            lost.extend(entry.id for entry in entries)
            raise TransientError("redis: the answer was lost")
        return entries, ours

    await give(valkey, OTHER)
    monkeypatch.setattr(EventStream, "inherit", unheard)
    assert await is_done(valkey, within=10, put=False)
    assert lost


async def test_what_the_client_asked_for_twice_unheard_is_worked_on(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_first_answer(monkeypatch)
    assert await is_done(valkey, within=10)


async def test_without_the_servers_count_it_waits_for_the_next_start(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_first_answer(monkeypatch)
    count_nothing(monkeypatch)
    assert not await is_done(valkey, within=1)


def count_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: nobody looks whether what we have is what we work on."""
    inherit = EventStream.inherit

    async def uncounted(stream: EventStream) -> tuple[list[Entry], int]:
        return (await inherit(stream))[0], 0

    monkeypatch.setattr(EventStream, "inherit", uncounted)


def lose_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what redis-py does when a connection breaks under an answer: ask again, and return that answer."""
    fresh, lost = EventStream.fresh, list[Entry]()

    async def again(stream: EventStream, wait: timedelta) -> list[Entry]:
        entries = await fresh(stream, wait)
        if entries and not lost:
            lost.extend(entries)
            return await fresh(stream, wait)
        return entries

    monkeypatch.setattr(EventStream, "fresh", again)


async def give(valkey: Redis, consumer: str) -> None:
    event = an_event()
    await RedisQueue(valkey).put(event)
    stream = EventStream(valkey, keys.stream_of(event.kind), consumer)
    await stream.open()
    assert await stream.fresh(timedelta(seconds=1))


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
