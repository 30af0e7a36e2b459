"""Slack's retries and a lost memory: what was acknowledged is handled, and handled once."""

import asyncio
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from redis.asyncio import Redis

from bot.adapters.clock import SystemClock
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import Database
from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.consumer import Handler
from bot.adapters.redis.embedded import wait_ready
from bot.adapters.redis.queue import RedisQueue
from bot.delivery import Delivery
from core.errors import TransientError
from core.event import Event
from tests.contracts.test_consume import consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.processes import end
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until


class Runs:
    """A handler that counts, with or without the rows in front of it."""

    def __init__(self, database: Database | None) -> None:
        self.of: Counter[str] = Counter()
        self._database = database

    def worker(self) -> Handler:
        """Return the handler of a process that knows nothing of the others."""
        if self._database is None:
            return self._run
        return Delivery(self._run, SqlDeliveries(self._database), SystemClock()).handle

    async def _run(self, event: Event) -> None:
        self.of[event.id] += 1


async def four_times(valkey: Redis, runs: Runs) -> list[bool]:
    """Deliver one event four times as Slack would, each to another worker; before the last, Redis forgets it all."""
    event, taken = an_event(kind="slack.events_api"), []
    for attempt in range(4):
        if attempt == 3:
            await valkey.flushall()
        queue = RedisQueue(valkey, consumer=f"w{attempt}")
        taken.append(await queue.put(event))
        async with consuming(queue, runs.worker()):
            await wait_until(lambda: is_empty(valkey))
    return taken


async def test_the_same_event_four_times_is_run_once_though_redis_forgot_it(valkey: Redis, database: Database) -> None:
    runs = Runs(database)
    assert await four_times(valkey, runs) == [True, False, False, True]
    assert list(runs.of.values()) == [1]


async def test_without_its_row_an_event_that_redis_forgot_is_run_again(valkey: Redis) -> None:
    runs = Runs(None)
    await four_times(valkey, runs)
    assert list(runs.of.values()) == [2]


async def test_the_memory_of_redis_may_run_out_before_the_last_retry(valkey: Redis, database: Database) -> None:
    runs, event = Runs(database), an_event()
    for _ in range(2):
        queue = RedisQueue(valkey)
        assert await queue.put(event)
        async with consuming(queue, runs.worker()):
            await wait_until(lambda: is_empty(valkey))
        await valkey.delete(keys.seen(event.id))  # fifteen minutes later
    assert runs.of == {event.id: 1}


async def handled_over_a_kill(folder: Path, extra: tuple[str, ...], count: int) -> tuple[int, float]:
    """Put so many events for a worker and kill -9 the server after the last answer; returns how many were handled in
    the end, and the seconds from the server's return to the first that was handled."""
    child, url = start_redis(folder, "valkey", extra)
    client = connect(url, timeout=2)
    handled: set[str] = set()
    first_at, back_at = 0.0, float("inf")
    loop = asyncio.get_running_loop()

    async def handler(event: Event) -> None:
        nonlocal first_at
        if not first_at and loop.time() > back_at:
            first_at = loop.time()
        handled.add(event.id)
        await asyncio.sleep(0.01)  # so that most still wait when the server dies

    queue = RedisQueue(client, lease=timedelta(seconds=1), longest=count + 1)
    async with consuming(queue, handler, 64):
        events = [an_event(key=f"k{number}") for number in range(count)]
        for start in range(0, count, 500):
            await _acknowledged(queue, events[start : start + 500])
        end(child, signal.SIGKILL)
        child, url = await asyncio.to_thread(start_redis, folder, "valkey", extra)
        await wait_ready(url)
        back_at = loop.time()
        await wait_until(lambda: _nothing_left(client), within=25)
    await client.aclose()
    end(child)
    return len(handled), first_at - back_at


async def _acknowledged(queue: RedisQueue, events: Sequence[Event]) -> None:
    """Put them until that is answered, as senders do: a busy machine may take longer than one look at memory may."""
    while True:
        try:
            await queue.put_many(events)
        except TransientError:
            continue
        return


async def _nothing_left(client: Redis) -> bool:
    try:
        async with asyncio.timeout(2):
            return await is_empty(client)
    except (OSError, TimeoutError, TransientError):
        return False


async def test_of_five_thousand_acknowledged_events_a_killed_server_loses_none(tmp_path: Path) -> None:
    handled, waited = await handled_over_a_kill(tmp_path / "redis", (), 5000)
    assert handled == 5000
    assert waited < 10


async def test_without_the_append_only_file_acknowledged_events_are_lost(tmp_path: Path) -> None:
    handled, _ = await handled_over_a_kill(tmp_path / "redis", ("--appendonly", "no"), 3000)
    assert handled < 3000  # what the worker held it puts back
