"""Two workers on one queue: one key's events stay in order, and what a dead one had is taken over within seconds."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.consumer import Consumer
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stream import Entry, EventStream
from core.errors import TransientError
from core.event import Event
from tests.contracts.test_consume import Diary, consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.running_bot import ROOT
from tests.fakes.waiting import comes_true, wait_until

QUICK: dict[str, Any] = {
    "lease": timedelta(milliseconds=400),
    "pause": timedelta(milliseconds=20),
    "longest_pause": timedelta(milliseconds=100),
}


class Watch:
    """A handler for both workers that sees whether one key's events ever overlap or change places."""

    def __init__(self) -> None:
        self.order: dict[str, list[str]] = {}
        self.by: dict[str, int] = {}
        self.overlaps = 0
        self._running: set[str] = set()

    def of(self, worker: str) -> Callable[[Event], Awaitable[None]]:
        """Return the handler of one worker."""

        async def handle(event: Event) -> None:
            self.overlaps += event.key in self._running
            self._running.add(event.key)
            self.order.setdefault(event.key, []).append(event.id)
            self.by[worker] = self.by.get(worker, 0) + 1
            await asyncio.sleep(0.002)
            self._running.discard(event.key)

        return handle

    @property
    def in_order(self) -> bool:
        """True when every key's events came as they were put."""
        return all(ids == sorted(ids) for ids in self.order.values())


async def watched(redis: Redis, events: int, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Let two workers share so many events of three keys, a few at a time."""
    monkeypatch.setattr("bot.adapters.redis.stream._PAGE", 4)
    watch = Watch()
    first, second = (RedisQueue(redis, consumer=name, most_held=8) for name in ("w1", "w2"))
    async with consuming(first, watch.of("w1")), consuming(second, watch.of("w2")):
        for number in range(events):
            await first.put(an_event(id=f"{number:04}", key="abc"[number % 3]))
        await wait_until(lambda: is_empty(redis), within=20)
    return watch


async def test_one_keys_events_keep_their_order_across_workers(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = await watched(redis, 150, monkeypatch)
    assert (watch.in_order, watch.overlaps) == (True, 0)
    assert sum(len(ids) for ids in watch.order.values()) == 150
    assert set(watch.by) == {"w1", "w2"}
    assert await redis.keys("*:lane:*") == []


async def at_once(_: EventStream, entry: Entry) -> str | None:
    """Say that it is any entry's turn."""
    return entry.id


async def test_without_turns_two_workers_run_one_key_at_once(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EventStream, "turn", at_once)
    watch = await watched(valkey, 150, monkeypatch)
    assert watch.overlaps > 0


async def two_at_once(redis: Redis, rounds: int) -> list[list[str]]:
    """Put two messages of one thread at the same moment, round after round, for two workers."""
    watch = Watch()
    async with (
        consuming(RedisQueue(redis, consumer="w1"), watch.of("w1")),
        consuming(RedisQueue(redis, consumer="w2"), watch.of("w2")),
    ):
        edges = [RedisQueue(redis), RedisQueue(redis)]
        for number in range(rounds):
            pair = [an_event(id=f"{number}:{half}", kind="slack.events_api", key=f"t{number}") for half in "ab"]
            assert await asyncio.gather(*(edge.put(event) for edge, event in zip(edges, pair, strict=True)))
        await wait_until(lambda: is_empty(redis), within=20)
    assert watch.overlaps == 0
    return [sorted(watch.order[f"t{number}"]) for number in range(rounds)]


async def test_of_two_messages_at_once_on_one_thread_none_is_lost_in_a_hundred_rounds(valkey: Redis) -> None:
    assert await two_at_once(valkey, 100) == [[f"{number}:a", f"{number}:b"] for number in range(100)]


async def test_an_older_event_of_a_dead_worker_goes_before_a_newer_one(valkey: Redis) -> None:
    began, diary = asyncio.Event(), Diary()

    async def dies(event: Event) -> None:
        began.set()
        await asyncio.Event().wait()

    dead, heir = (RedisQueue(valkey, consumer=name, **QUICK) for name in ("dead", "heir"))
    await dead.put(an_event(id="older", key="k"))
    async with consuming(dead, dies):
        await began.wait()
    await valkey.set(keys.consumer("dead"), b"1", px=600)  # killed rather than closed: its sign of life stays a while
    await dead.put(an_event(id="newer", key="k"))
    async with consuming(heir, diary):
        await wait_until(lambda: diary.ids == ["older", "newer"])
        await wait_until(lambda: has_one_consumer(valkey))


async def has_one_consumer(redis: Redis) -> bool:
    return [row["name"] for row in await redis.xinfo_consumers(keys.WORK, keys.WORKERS)] == [b"heir"]


async def test_a_worker_that_closes_leaves_what_it_had_to_the_next_at_once(valkey: Redis) -> None:
    started, diary = asyncio.Event(), Diary()

    async def slow(event: Event) -> None:
        started.set()
        await asyncio.Event().wait()

    first, second = (RedisQueue(valkey, consumer=name, lease=timedelta(seconds=60)) for name in ("w1", "w2"))
    await first.put(an_event(id="e1"))
    async with consuming(first, slow):
        await started.wait()
    began = monotonic()
    async with consuming(second, diary):
        await wait_until(lambda: diary.ids == ["e1"])
    assert monotonic() - began < 2


async def signed_off_while_a_job_runs(redis: Redis, within: float) -> bool:
    """Stop a worker whose job does not hear of it at once; returns whether others may take that job meanwhile."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def deaf(event: Event) -> None:
        began.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue

    queue = RedisQueue(redis, consumer="w1", lease=timedelta(seconds=60))
    await queue.put(an_event(id="e1"))
    task = asyncio.create_task(queue.consume(deaf))
    await began.wait()
    task.cancel()
    signed_off = await comes_true(lambda: _is_gone(redis, "w1"), within)
    go_on.set()
    await asyncio.wait([task])
    assert await _is_gone(redis, "w1")
    return signed_off


async def _is_gone(redis: Redis, consumer: str) -> bool:
    return not await redis.exists(keys.consumer(consumer))


async def test_a_worker_signs_off_when_nothing_of_it_runs_any_more(valkey: Redis) -> None:
    assert not await signed_off_while_a_job_runs(valkey, within=0.5)


async def test_where_each_stream_signs_off_a_running_job_is_open_to_others(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Consumer.close

    async def close_and_leave(self: Consumer) -> None:
        await close(self)
        await self._stream.leave()

    monkeypatch.setattr(Consumer, "close", close_and_leave)
    assert await signed_off_while_a_job_runs(valkey, within=10)


async def begun_after_sleep(valkey: Redis, monkeypatch: pytest.MonkeyPatch, asks: Any, at_least: int) -> list[str]:
    """Let a worker sleep on the first of three events of one key until another has them all, and wake; returns what it
    began of them once it has been through with its own."""
    sleeper, heir = Diary(), Diary()
    go_on = asyncio.Event()
    asleep, asked = set[str](), set[str]()
    keep_still(monkeypatch, asleep)

    async def turn(stream: EventStream, entry: Entry) -> str | None:
        found = await asks(stream, entry)
        if stream.consumer == "w1":
            asked.add(entry.event.id)
        return found

    async def first_sleeps(event: Event) -> None:
        await sleeper(event)
        await go_on.wait()

    monkeypatch.setattr(EventStream, "turn", turn)
    queue = RedisQueue(valkey, consumer="w1", **QUICK)
    for number in range(3):
        await queue.put(an_event(id=str(number), key="k"))
    async with consuming(queue, first_sleeps):
        await wait_until(lambda: sleeper.ids == ["0"])
        asleep.add("w1")
        async with consuming(RedisQueue(valkey, consumer="w2", **QUICK), heir):
            await wait_until(lambda: heir.ids == ["0", "1", "2"])
            asleep.clear()
            await wait_until(lambda: valkey.exists(keys.consumer("w1")))
            go_on.set()
            await wait_until(lambda: "2" in asked and len(sleeper.ids) >= at_least)
            await wait_until(lambda: is_empty(valkey))
    return sleeper.ids


async def test_a_worker_that_slept_through_its_lease_begins_nothing_of_what_others_have_now(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await begun_after_sleep(valkey, monkeypatch, EventStream.turn, 1) == ["0"]


async def test_a_worker_that_does_not_ask_whose_turn_it_is_begins_what_others_have_now(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await begun_after_sleep(valkey, monkeypatch, at_once, 3) == ["0", "1", "2"]


def keep_still(monkeypatch: pytest.MonkeyPatch, asleep: set[str], error: Exception | None = None) -> None:
    """Let no worker of these names say that it lives, as if its whole process stood still; `error` is what it hears."""
    real = EventStream.stay

    async def stay(stream: EventStream, lease: timedelta) -> None:
        if stream.consumer not in asleep:
            await real(stream, lease)
        elif error is not None:
            raise error

    monkeypatch.setattr(EventStream, "stay", stay)


async def taken_after_an_outage(redis: Redis, monkeypatch: pytest.MonkeyPatch, longer: float) -> list[str]:
    """Keep Redis from two workers until all signs of life ran out, from the one that works up to so many seconds
    longer; returns what the other one took of its work."""
    taken, began, go_on = Diary(), asyncio.Event(), asyncio.Event()
    away: set[str] = set()
    keep_still(monkeypatch, away, TransientError("redis: ConnectionError"))

    async def works(event: Event) -> None:
        began.set()
        await go_on.wait()

    slow, heir = (RedisQueue(redis, consumer=name, lease=timedelta(seconds=1.2)) for name in ("w1", "w2"))
    await slow.put(an_event(id="e1"))
    async with consuming(slow, works):
        await began.wait()
        async with consuming(heir, taken):
            away |= {"w1", "w2"}
            await asyncio.sleep(1.4)
            away.discard("w2")
            await comes_true(lambda: taken.ids, longer)
            away.discard("w1")
            await asyncio.sleep(0.9)
            found = list(taken.ids)
            go_on.set()
            await wait_until(lambda: is_empty(redis))
    return found


async def test_after_an_outage_the_living_do_not_count_as_dead(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await taken_after_an_outage(valkey, monkeypatch, longer=0.45) == []


async def test_heirs_that_do_not_wait_after_an_outage_rob_the_living(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.redis.consumer.monotonic", lambda: float("inf"))  # any wait is over already
    assert await taken_after_an_outage(valkey, monkeypatch, longer=10) == ["e1"]


async def test_a_dead_workers_event_is_begun_elsewhere_within_the_lease_and_a_second(valkey: Redis) -> None:
    child = await _worker_process(valkey.connection_pool.connection_kwargs["path"])
    try:
        await RedisQueue(valkey).put(an_event(id="e1"))
        assert child.stdout is not None
        assert (await child.stdout.readline()).strip() == b"begun e1"
        diary = Diary()
        async with consuming(RedisQueue(valkey, consumer="w2"), diary):
            child.send_signal(signal.SIGKILL)
            killed = monotonic()
            await wait_until(lambda: diary.ids == ["e1"])
        assert monotonic() - killed < 5  # of the eight that recovery may take
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


_WORKER = """
import asyncio, sys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue

async def main():
    async def hang(event):
        print("begun", event.id, flush=True)
        await asyncio.Event().wait()
    await RedisQueue(connect("unix://" + sys.argv[1]), consumer="w1").consume(hang)

asyncio.run(main())
"""


async def _worker_process(socket: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _WORKER,
        socket,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
