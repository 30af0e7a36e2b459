"""A Redis that forgets what it had acknowledged (emptied, or a replica that was behind): what a worker holds is put
back, and runs once."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.adapters.clock import SystemClock
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import Database, open_database
from bot.adapters.redis import keys
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stream import Entry, EventStream
from bot.delivery import Delivery
from core.event import Event
from tests.contracts.test_consume import QUICK, Diary, consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until

Mishap = Callable[[Redis], Awaitable[object]]


async def flush(redis: Redis) -> None:
    """Forget everything."""
    await redis.flushall()


async def drop_stream(redis: Redis) -> None:
    """Forget the stream and its group, and not the marks."""
    await redis.delete(keys.WORK)


async def be_behind(redis: Redis) -> None:
    """Forget the entries and all that came with them, and keep the group: as the replica had it before they came."""
    rows: Any = await redis.xrange(keys.WORK)
    held = [entry for entry, _ in rows]
    await redis.xack(keys.WORK, keys.WORKERS, *held)
    await redis.xdel(keys.WORK, *held)
    await redis.delete(*await redis.keys("watchkeeper:seen:*"), *await redis.keys("*:lane:*"))


async def runs_over(redis: Redis, database: Database, mishap: Mishap, within: float = 8) -> Counter[str]:
    """Let a worker hold ninety events, of which eight run, when it happens; returns how often each ran to its end."""
    began, ended, go_on = Diary(), Diary(), asyncio.Event()

    async def handler(event: Event) -> None:
        await began(event)
        await go_on.wait()
        await ended(event)

    queue = RedisQueue(redis, **QUICK)
    await queue.put_many([an_event(id=f"a{at}", key=f"k{at % 60}") for at in range(90)])
    deliver = Delivery(handler, SqlDeliveries(database), SystemClock()).handle
    async with consuming(queue, deliver, 8):
        await wait_until(lambda: len(began.ids) == 8)
        await wait_until(lambda: _all_taken(redis, 90))
        await mishap(redis)
        go_on.set()
        await wait_until(lambda: len(ended.ids) >= 8)
        try:
            await wait_until(lambda: len(set(ended.ids)) == 90, within)
        except AssertionError:
            return Counter(ended.ids)
        await wait_until(lambda: is_empty(redis))
    return Counter(ended.ids)


async def _all_taken(redis: Redis, count: int) -> bool:
    return (await redis.xpending(keys.WORK, keys.WORKERS))["pending"] == count


@pytest.mark.parametrize("mishap", [flush, drop_stream, be_behind])
async def test_what_a_worker_holds_when_redis_forgets_is_put_back_and_runs_once(
    redis: Redis, database_url: str, mishap: Mishap
) -> None:
    database = open_database(database_url)
    with capture_logs() as lines:
        runs = await runs_over(redis, database, mishap)
    await database.close()
    assert runs == Counter({f"a{at}": 1 for at in range(90)})
    alarms = [line for line in lines if line["event"] == "queue_forgot"]
    assert {line["log_level"] for line in alarms} == {"error"}
    assert 82 <= sum(line["restored"] for line in alarms) <= 90


async def test_taking_it_for_anothers_loses_what_a_worker_holds(
    valkey: Redis, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventStream, "restore", _believes_the_server)
    database = open_database(database_url)
    runs = await runs_over(valkey, database, flush, within=2)
    await database.close()
    assert len(runs) < 90


async def _believes_the_server(_: EventStream, entries: Sequence[Entry]) -> int:
    return 0


async def test_an_event_that_runs_when_redis_forgets_and_then_fails_comes_again(valkey: Redis) -> None:
    attempts = Diary()

    async def handler(event: Event) -> None:
        await attempts(event)
        if len(attempts.ids) == 1:
            await valkey.flushall()
            raise RuntimeError("and Redis forgot it")

    queue = RedisQueue(valkey, **QUICK)
    await queue.put(an_event(id="e1"))
    async with consuming(queue, handler):
        await wait_until(lambda: attempts.ids == ["e1", "e1"])
        await wait_until(lambda: is_empty(valkey))


async def test_a_worker_that_is_stopped_after_redis_forgot_leaves_what_ran_to_the_next(valkey: Redis) -> None:
    began, diary = asyncio.Event(), Diary()

    async def hangs(event: Event) -> None:
        await valkey.flushall()
        began.set()
        await asyncio.Event().wait()

    await RedisQueue(valkey).put(an_event(id="e1"))
    async with consuming(RedisQueue(valkey, consumer="w1", **QUICK), hangs):
        await began.wait()
    async with consuming(RedisQueue(valkey, consumer="w2", **QUICK), diary):
        await wait_until(lambda: diary.ids == ["e1"])


async def test_what_another_worker_has_or_has_ended_is_not_put_back(redis: Redis) -> None:
    stream = EventStream(redis, keys.WORK, "w1")
    await stream.open()
    await stream.put([an_event(id=each, key="k") for each in ("ended", "another's", "unread")])
    first, second = (await EventStream(redis, keys.WORK, "w2").fresh(timedelta(seconds=1)))[:2]
    await stream.done(first)
    rows: Any = await redis.xrange(keys.WORK)
    unread = Entry(rows[1][0].decode(), an_event(id="unread", key="k"))
    assert await stream.restore([first, second, unread]) == 0
    assert await redis.xlen(keys.WORK) == 2


async def test_putting_back_twice_puts_back_once_and_in_order(redis: Redis) -> None:
    stream = EventStream(redis, keys.WORK, "w1")
    await stream.open()
    await stream.put([an_event(id=str(at), key="k") for at in range(150)])
    entries = await stream.fresh(timedelta(seconds=1)) + await stream.fresh(timedelta(seconds=1))
    await redis.flushall()
    assert [await stream.restore(entries), await stream.restore(entries)] == [150, 0]
    await stream.open()
    again = await stream.fresh(timedelta(seconds=1)) + await stream.fresh(timedelta(seconds=1))
    assert [entry.event for entry in again] == [entry.event for entry in entries]
    assert not any(await stream.put([entry.event for entry in entries]))
