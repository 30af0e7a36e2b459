"""What every implementation of core.ports.Queue and Inbox does, and what the durable one does besides."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.embedded import wait_ready
from bot.adapters.redis.queue import RedisQueue
from core.errors import TransientError
from core.ports import Inbox
from tests.fakes.examples import an_event
from tests.fakes.processes import end
from tests.fakes.queue import InMemoryQueue
from tests.fakes.servers import ENGINES, start_redis


@pytest.fixture(params=["memory", *ENGINES])
def queue_engine(request: pytest.FixtureRequest) -> str | None:
    """Return the address of an empty server, or None for memory."""
    return None if request.param == "memory" else request.getfixturevalue("redis_servers").url(request.param)


@pytest.fixture
async def queue(queue_engine: str | None) -> AsyncIterator[Inbox]:
    """Yield the queue in every form."""
    if queue_engine is None:
        yield InMemoryQueue()
        return
    client = connect(queue_engine)
    yield RedisQueue(client)
    await client.aclose()


async def test_an_event_is_taken_once_however_often_it_is_put(queue: Inbox) -> None:
    event = an_event()
    taken = await asyncio.gather(*(queue.put(event) for _ in range(20)))
    assert taken.count(True) == 1
    assert not await queue.put(event)
    assert await queue.put(an_event())


@pytest.mark.parametrize("odd", ["", "a:b*c", "\ud83d", "nul \0", "x" * 5000])
async def test_an_odd_id_is_an_id(queue: Inbox, odd: str) -> None:
    assert await queue.put(an_event(id=odd))
    assert not await queue.put(an_event(id=odd))


async def test_many_are_put_in_their_order_and_each_says_whether_it_is_new(queue: Inbox) -> None:
    events = [an_event(kind=kind) for kind in ("alert", "slack.events_api", "job.ask")] + [
        an_event() for _ in range(247)
    ]
    assert await queue.put(events[7])
    fresh = await queue.put_many([*events, events[0]])
    assert fresh == [number != 7 for number in range(250)] + [False]
    assert await queue.put_many([]) == []


async def test_under_one_signature_one_event_is_taken(queue: Inbox) -> None:
    taken = await asyncio.gather(*(queue.put(an_event(), "v0=5f") for _ in range(5)))
    assert taken.count(True) == 1
    assert await queue.put(an_event(), "v0=60")
    assert await queue.put(an_event())


async def test_an_event_again_under_a_new_signature_is_the_same_event(queue: Inbox) -> None:
    event = an_event()
    assert [await queue.put(event, f"v0={number}") for number in range(4)] == [True, False, False, False]
    assert not await queue.put(an_event(), "v0=3")


async def scripts_run(redis: Redis) -> int:
    stats: Any = await redis.info("commandstats")
    # One that is asked for by its digest and not known is a failed call, after which all of it is sent.
    told = [stats.get(f"cmdstat_{name}", {}) for name in ("eval", "evalsha")]
    return sum(each.get("calls", 0) - each.get("failed_calls", 0) for each in told)


async def test_two_hundred_and_fifty_events_are_written_in_three_steps(redis: Redis) -> None:
    before = await scripts_run(redis)
    await RedisQueue(redis).put_many([an_event() for _ in range(250)])
    assert (await redis.xlen(keys.WORK), await scripts_run(redis) - before) == (250, 3)


async def test_put_one_by_one_they_are_as_many_steps(redis: Redis) -> None:
    before = await scripts_run(redis)
    for _ in range(25):
        await RedisQueue(redis).put(an_event())
    assert await scripts_run(redis) - before == 25


async def test_twenty_copies_leave_one_entry(redis: Redis) -> None:
    event = an_event()
    await asyncio.gather(*(RedisQueue(redis).put(event) for _ in range(20)))
    assert await redis.xlen(keys.WORK) == 1


async def test_without_the_mark_twenty_copies_leave_twenty_entries(redis: Redis) -> None:
    async def careless_put() -> None:
        await redis.xadd(keys.WORK, {"event": an_event().model_dump_json()})

    await asyncio.gather(*(careless_put() for _ in range(20)))
    assert await redis.xlen(keys.WORK) == 20


async def test_id_and_signature_are_remembered_for_longer_than_slack_retries(redis: Redis) -> None:
    await RedisQueue(redis).put(an_event(id="e1"), "v0=1")
    for key in (keys.seen("e1"), keys.signature("v0=1")):
        assert 890 < await redis.ttl(key) <= 900


async def test_a_full_memory_refuses_the_event_and_does_not_remember_it(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = connect(url)
    try:
        queue = RedisQueue(client)
        await client.config_set("maxmemory", "1")
        with pytest.raises(TransientError):
            await queue.put(an_event(id="e1"), "v0=1")
        await client.config_set("maxmemory", "0")
        assert await queue.put(an_event(id="e1"), "v0=1")
    finally:
        await client.aclose()
        end(child)


async def test_a_server_that_is_away_is_said_to_be_away_in_time(tmp_path: Path) -> None:
    client = connect(f"unix://{tmp_path}/nothing.sock")
    async with asyncio.timeout(2.5):
        with pytest.raises(TransientError):
            await RedisQueue(client).put(an_event())
    await client.aclose()


async def test_a_server_that_hangs_is_given_up_before_slack_gives_up(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = connect(url)
    try:
        await client.ping()
        child.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(2.9):
            with pytest.raises(TransientError):
                await RedisQueue(client).put(an_event())
    finally:
        child.send_signal(signal.SIGCONT)
        await client.aclose(close_connection_pool=True)
        end(child)


async def left_after_a_kill(folder: Path, engine: str, extra: tuple[str, ...], puts: int) -> int:
    """Put so many events, kill -9 the server after the last answer, and count what it knows when it is back."""
    child, url = start_redis(folder, engine, extra)
    client = connect(url)
    for _ in range(puts // 25):
        assert all(await asyncio.gather(*(RedisQueue(client).put(an_event()) for _ in range(25))))
    end(child, signal.SIGKILL)
    await client.aclose()
    child, url = start_redis(folder, engine, extra)
    try:
        await wait_ready(url)
        client = connect(url)
        return int(await client.xlen(keys.WORK))
    finally:
        await client.aclose()
        end(child)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_killed_server_loses_no_event_that_it_had_taken(tmp_path: Path, engine: str) -> None:
    assert await left_after_a_kill(tmp_path / "redis", engine, (), 500) == 500


@pytest.mark.parametrize("engine", ENGINES)
async def test_without_the_append_only_file_a_killed_server_loses_them(tmp_path: Path, engine: str) -> None:
    assert await left_after_a_kill(tmp_path / "redis", engine, ("--appendonly", "no"), 500) == 0
