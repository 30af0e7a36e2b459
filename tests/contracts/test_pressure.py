"""More than can be handled: what comes from outside is refused in time, what was taken is finished, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect, outages
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stream import Lag
from core.errors import TransientError
from core.event import Event
from tests.contracts.test_consume import consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.processes import end
from tests.fakes.servers import ENGINES, start_redis
from tests.fakes.waiting import wait_until


@asynccontextmanager
async def small_redis(folder: Path, engine: str, megabytes: int) -> AsyncIterator[Redis]:
    """Yield a client of a server of its own with so much memory."""
    child, url = start_redis(folder / "redis", engine, ("--maxmemory", f"{megabytes}mb", "--appendonly", "no"))
    client = connect(url)
    try:
        yield client
    finally:
        await client.aclose()
        end(child)


async def test_a_stream_that_is_long_enough_takes_nothing_more_from_outside(redis: Redis) -> None:
    queue = RedisQueue(redis, longest=5)
    first, refused = an_event(), an_event()
    assert all(await queue.put_many([first, *(an_event() for _ in range(4))]))
    with pytest.raises(TransientError, match="5 entries wait"):
        await queue.put(refused)
    assert not await queue.put(first)  # known, so it needs no room
    assert await queue.put(an_event(kind="slack.interactive"))  # in a stream of its own
    assert await queue.put(an_event(kind="job.investigate"))  # ours: what runs has to end
    await redis.delete(keys.WORK)
    assert await queue.put(refused)


async def test_a_refusal_is_logged_once_in_a_while_and_not_for_each_event(redis: Redis) -> None:
    queue = RedisQueue(redis, longest=1)
    await queue.put(an_event())
    with capture_logs() as logs:
        for _ in range(20):
            with pytest.raises(TransientError):
                await queue.put(an_event())
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["queue_full"]


async def test_a_page_that_finds_no_room_writes_none_of_its_events(redis: Redis) -> None:
    queue = RedisQueue(redis, longest=100)
    with pytest.raises(TransientError):
        await queue.put_many([an_event() for _ in range(150)])
    assert await redis.xlen(keys.WORK) == 100


async def fill(queue: RedisQueue) -> int:
    """Put events of 20 kB until they are refused; returns how many were taken."""
    for taken in range(1000):
        try:
            await queue.put(an_event(key=f"k{taken}", body={"text": "x" * 20_000}))
        except TransientError:
            return taken
    raise AssertionError("it took everything")


async def finished_when_full(redis: Redis, queue: RedisQueue) -> tuple[int, int]:
    """Fill the memory, then let each event need a checkpoint of 200 kB; returns how many were taken and ended."""
    taken, ended = await fill(queue), 0

    async def handler(event: Event) -> None:
        nonlocal ended
        with outages():
            await redis.set(f"checkpoint:{event.id}", b"x" * 200_000)
            await redis.delete(f"checkpoint:{event.id}")
        ended += 1

    async with consuming(queue, handler, concurrency=4):
        try:
            await wait_until(lambda: is_empty(redis), within=2)
        except AssertionError:
            return taken, ended
    return taken, ended


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_full_redis_refuses_the_new_and_still_ends_what_it_took(tmp_path: Path, engine: str) -> None:
    async with small_redis(tmp_path, engine, 12) as redis:
        queue = RedisQueue(redis, reserve=0.25)
        taken, ended = await finished_when_full(redis, queue)
        assert taken > 100
        assert ended == taken
        assert await queue.put(an_event())


async def test_without_a_reserve_a_full_redis_ends_nothing(tmp_path: Path) -> None:
    async with small_redis(tmp_path, "valkey", 12) as redis:
        taken, ended = await finished_when_full(redis, RedisQueue(redis, reserve=0))
        assert taken > 100
        assert ended < taken


async def test_the_lag_tells_who_waits_and_since_when(redis: Redis) -> None:
    queue = RedisQueue(redis)
    assert await queue.lag() == dict.fromkeys(("slack", "actions", "work"), Lag(0, 0, 0.0))
    for _ in range(3):
        await queue.put(an_event(key="one"))
    await asyncio.sleep(0.1)
    go_on = asyncio.Event()
    began = asyncio.Event()

    async def handler(event: Event) -> None:
        began.set()
        await go_on.wait()

    before = (await queue.lag())["work"]
    assert (before.waiting, before.pending) == (3, 0)
    assert 0.09 < before.oldest_seconds < 5
    async with consuming(queue, handler):
        await began.wait()
        during = (await queue.lag())["work"]
        assert (during.waiting, during.pending) == (0, 3)
        assert during.oldest_seconds >= before.oldest_seconds
        go_on.set()
        await wait_until(lambda: is_empty(redis))
        assert (await queue.lag())["work"] == Lag(0, 0, 0.0)


async def test_an_event_that_was_seen_is_put_again_once_for_each_mark(redis: Redis) -> None:
    queue, event = RedisQueue(redis), an_event()
    assert await queue.put(event)
    assert [await queue.put_again(event, mark) for mark in ("retry:1", "retry:1", "retry:2")] == [True, False, True]
    assert not await queue.put(event)
    assert await redis.xlen(keys.WORK) == 3
