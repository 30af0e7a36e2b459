"""How a worker gets its events: at least once, in order for each key, and never held up by another key's trouble."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.adapters.redis import keys, stream
from bot.adapters.redis import queue as queue_module
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stream import EventStream
from core.event import UNREADABLE, Event
from tests.fakes.examples import an_event
from tests.fakes.processes import end
from tests.fakes.servers import start_redis
from tests.fakes.waiting import comes_true, wait_until

QUICK: dict[str, Any] = {
    "lease": timedelta(milliseconds=300),
    "pause": timedelta(milliseconds=20),
    "longest_pause": timedelta(milliseconds=200),
}


@asynccontextmanager
async def consuming(
    queue: RedisQueue, handler: Callable[[Event], Awaitable[None]], concurrency: int = 16
) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(queue.consume(handler, concurrency, grace=1))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


class Diary:
    """A handler that notes what it got."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, event: Event) -> None:
        self.ids.append(event.id)


async def test_events_are_handled_and_then_gone(redis: Redis) -> None:
    queue, diary = RedisQueue(redis), Diary()
    await queue.put(an_event(id="before"))
    async with consuming(queue, diary):
        await wait_until(lambda: diary.ids == ["before"])
        await queue.put(an_event(id="after"))
        await wait_until(lambda: diary.ids == ["before", "after"])
        await wait_until(lambda: is_empty(redis))
    assert (await redis.xpending(keys.WORK, keys.WORKERS))["pending"] == 0


async def is_empty(redis: Redis) -> bool:
    return not any([await redis.xlen(name) for name in keys.STREAMS])


async def test_one_keys_events_come_one_after_another_and_keys_side_by_side(redis: Redis) -> None:
    queue = RedisQueue(redis)
    running: dict[str, int] = {}
    order: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    most = 0

    async def handler(event: Event) -> None:
        nonlocal most
        running[event.key] = running.get(event.key, 0) + 1
        most = max(most, sum(running.values()))
        assert running[event.key] == 1
        order[event.key].append(event.id)
        await asyncio.sleep(0.005)
        running[event.key] -= 1

    for number in range(30):
        await queue.put(an_event(id=f"{number:02}", key="abc"[number % 3]))
    async with consuming(queue, handler):
        await wait_until(lambda: is_empty(redis))
    assert order == {key: [f"{number:02}" for number in range(start, 30, 3)] for start, key in enumerate("abc")}
    assert most == 3


async def test_at_most_so_many_of_a_kind_run_and_another_kind_does_not_wait_for_them(redis: Redis) -> None:
    queue, clicks, go_on = RedisQueue(redis), Diary(), asyncio.Event()
    running = 0

    async def handler(event: Event) -> None:
        nonlocal running
        if event.kind == "slack.interactive":
            return await clicks(event)
        running += 1
        await go_on.wait()
        running -= 1
        return None

    for number in range(10):
        await queue.put(an_event(kind="job.investigate", key=f"incident:{number}"))
    async with consuming(queue, handler, concurrency=3):
        await wait_until(lambda: running == 3)
        await queue.put(an_event(id="click", kind="slack.interactive", key="approval:1"))
        await wait_until(lambda: clicks.ids == ["click"])
        assert running == 3
        go_on.set()
        await wait_until(lambda: is_empty(redis))


async def heard_beside_stuck_work(queue: RedisQueue, within: float) -> bool:
    """Let more jobs fail for good than a worker takes at once; returns whether it hears a click in so many seconds."""
    failed, clicks = Diary(), Diary()

    async def handler(event: Event) -> None:
        if event.kind == "slack.interactive":
            return await clicks(event)
        await failed(event)
        raise RuntimeError("the channel is archived")

    for number in range(8):
        await queue.put(an_event(kind="job.resume", key=f"remediation:{number}"))
    async with consuming(queue, handler):
        await wait_until(lambda: len(failed.ids) >= 5)
        await queue.put(an_event(id="click", kind="slack.interactive", key="approval:1"))
        with contextlib.suppress(AssertionError):
            await wait_until(lambda: clicks.ids == ["click"], within)
        return clicks.ids == ["click"]


async def test_any_number_of_stuck_jobs_leaves_clicks_heard(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_PAGE", 5)
    assert await heard_beside_stuck_work(RedisQueue(valkey, most_held=5), 10)


async def test_in_one_stream_stuck_jobs_keep_clicks_from_being_heard(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_PAGE", 5)
    monkeypatch.setattr(keys, "stream_of", lambda kind: keys.WORK)
    assert not await heard_beside_stuck_work(RedisQueue(valkey, most_held=5), 1.5)


@pytest.mark.parametrize(("first", "second"), [("alert", "slack.interactive"), ("job.ask", "slack.events_api")])
async def test_an_id_that_one_stream_has_had_is_not_taken_by_the_other(valkey: Redis, first: str, second: str) -> None:
    queue = RedisQueue(valkey)
    assert await queue.put(an_event(id="e1", kind=first))
    assert not await queue.put(an_event(id="e1", kind=second))


async def test_a_worker_that_died_goes_on_with_what_it_had_as_soon_as_it_is_back(redis: Redis) -> None:
    first, diary = RedisQueue(redis, consumer="w1"), Diary()
    started = asyncio.Event()

    async def dies(event: Event) -> None:
        started.set()
        await asyncio.Event().wait()

    for number in range(3):
        await first.put(an_event(id=str(number)))
    async with consuming(first, dies):
        await started.wait()
    async with consuming(RedisQueue(redis, consumer="w1"), diary):
        await wait_until(lambda: diary.ids == ["0", "1", "2"])


async def test_another_worker_takes_over_from_the_dead_after_the_lease(valkey: Redis) -> None:
    dead, diary = RedisQueue(valkey, consumer="w1", **QUICK), Diary()
    started = asyncio.Event()

    async def dies(event: Event) -> None:
        started.set()
        await asyncio.Event().wait()

    await dead.put(an_event(id="e1"))
    async with consuming(dead, dies):
        await started.wait()
    async with consuming(RedisQueue(valkey, consumer="w2", **QUICK), diary):
        await wait_until(lambda: diary.ids == ["e1"])


STEADY: dict[str, Any] = QUICK | {"lease": timedelta(seconds=2)}  # a busy machine may keep a loop waiting for one


class Silent(EventStream):
    """A consumer that does not say that it lives: the variant that the next test must catch."""

    async def stay(self, lease: timedelta) -> None:
        """Say nothing."""


async def taken_from(slow: RedisQueue, redis: Redis, pace: dict[str, Any], within: float) -> list[str]:
    """Let one worker sit on an event for so many seconds; returns what another got of it meanwhile."""
    diary, begun, go_on = Diary(), asyncio.Event(), asyncio.Event()

    async def patient(event: Event) -> None:
        begun.set()
        await go_on.wait()

    await slow.put(an_event(id="e1"))
    async with consuming(slow, patient):
        await begun.wait()  # or the other might read it first
        async with consuming(RedisQueue(redis, consumer="w2", **pace), diary):
            await comes_true(lambda: diary.ids, within)
            taken = list(diary.ids)
            go_on.set()
            await wait_until(lambda: is_empty(redis))
    return taken


async def test_nobody_takes_from_a_worker_that_is_only_slow(valkey: Redis) -> None:
    over_two_leases = 2.2 * STEADY["lease"].total_seconds()
    assert await taken_from(RedisQueue(valkey, consumer="w1", **STEADY), valkey, STEADY, over_two_leases) == []


async def test_a_slow_worker_that_does_not_say_that_it_lives_loses_its_event(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(queue_module, "EventStream", Silent)
        slow = RedisQueue(valkey, consumer="w1", **QUICK)
    assert await taken_from(slow, valkey, QUICK, 10) == ["e1"]


async def test_a_failed_event_comes_again_with_growing_pauses_while_others_go_on(valkey: Redis) -> None:
    queue, others = RedisQueue(valkey, **QUICK), Diary()
    failures: list[float] = []

    async def handler(event: Event) -> None:
        if event.key != "bad":
            return await others(event)
        failures.append(asyncio.get_running_loop().time())
        if len(failures) < 5:
            raise RuntimeError("not yet")
        return None

    await queue.put(an_event(id="bad", key="bad"))
    for number in range(5):
        await queue.put(an_event(id=str(number), key="good"))
    async with consuming(queue, handler):
        await wait_until(lambda: len(others.ids) == 5)
        await wait_until(lambda: is_empty(valkey))
    pauses = [later - earlier for earlier, later in pairwise(failures)]
    assert [pause >= wanted for pause, wanted in zip(pauses, (0.019, 0.039, 0.079, 0.159), strict=True)] == [True] * 4


async def test_deliveries_are_counted_beyond_the_workers_life(valkey: Redis) -> None:
    async def fails(event: Event) -> None:
        raise RuntimeError("always")

    await RedisQueue(valkey).put(an_event())
    for worker in ("w1", "w1"):
        async with consuming(RedisQueue(valkey, consumer=worker, **QUICK), fails):
            before = await deliveries(valkey)
            await wait_until(lambda before=before: has_more(valkey, before + 2))
    assert await deliveries(valkey) >= 4


async def deliveries(redis: Redis) -> int:
    try:
        found: Any = await redis.xpending_range(keys.WORK, keys.WORKERS, "-", "+", 1)
    except ResponseError:
        return 0  # no worker has come yet
    return int(found[0]["times_delivered"]) if found else 0


async def has_more(redis: Redis, than: int) -> bool:
    return await deliveries(redis) >= than


async def test_an_unreadable_entry_keeps_nobody_waiting(redis: Redis) -> None:
    queue = RedisQueue(redis)
    found: list[Event] = []

    async def handler(event: Event) -> None:
        found.append(event)

    broken: Any = await redis.xadd(keys.WORK, {"event": "{not json"})
    await redis.xadd(keys.WORK, {"other": b"\xff" + b"x" * 200_000})
    await queue.put(an_event(id="good"))
    async with consuming(queue, handler):
        await wait_until(lambda: len(found) == 3)
        await wait_until(lambda: is_empty(redis))
    found.sort(key=lambda event: (event.kind == "alert", event.id))  # each has a key of its own
    assert [event.kind for event in found] == [UNREADABLE, UNREADABLE, "alert"]
    assert found[0].id == f"unreadable:{keys.WORK}:{broken.decode()}"
    assert found[0].body == {"fields": {"event": "{not json"}}
    assert '"\\\\xffxxxx' in json.dumps(found[1].body)


async def test_stopping_lets_the_running_end_and_begins_nothing(valkey: Redis) -> None:
    queue, begun, ended = RedisQueue(valkey), Diary(), Diary()
    go_on = asyncio.Event()

    async def handler(event: Event) -> None:
        await begun(event)
        await go_on.wait()
        await ended(event)

    for number in range(3):
        await queue.put(an_event(id=str(number), key="one key"))
    async with consuming(queue, handler) as task:
        await wait_until(lambda: begun.ids == ["0"])
        queue.stop()
        go_on.set()
        async with asyncio.timeout(3):
            await task
    assert (begun.ids, ended.ids) == (["0"], ["0"])
    assert await valkey.xlen(keys.WORK) == 2


async def test_a_worker_outlives_the_server_and_misses_nothing(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client, diary = connect(url), Diary()
    queue = RedisQueue(client, **QUICK)
    try:
        async with consuming(queue, diary):
            await queue.put(an_event(id="before"))
            await wait_until(lambda: diary.ids == ["before"])
            await asyncio.to_thread(end, child)
            child, _ = await asyncio.to_thread(start_redis, tmp_path / "redis", "valkey")
            await queue.put(an_event(id="after"))
            await wait_until(lambda: diary.ids == ["before", "after"])
    finally:
        await client.aclose()
        end(child)


async def test_a_server_that_came_back_empty_gets_its_group_again(redis: Redis) -> None:
    queue, diary = RedisQueue(redis, **QUICK), Diary()
    async with consuming(queue, diary):
        await queue.put(an_event(id="before"))
        await wait_until(lambda: diary.ids == ["before"])
        await redis.flushall()
        await queue.put(an_event(id="after"))
        await wait_until(lambda: diary.ids == ["before", "after"])
