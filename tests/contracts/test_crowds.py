"""One stuck key, however long its queue, stops no other; and no storm delays what was approved."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys, lanes
from bot.adapters.redis.queue import RedisQueue
from core.errors import TransientError
from core.event import Event
from tests.contracts.test_consume import QUICK, Diary, consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until


async def put_alerts(queue: RedisQueue, count: int, key: Callable[[int], str]) -> None:
    for start in range(0, count, 1000):
        await queue.put_many([an_event(id=f"a{at:05}", key=key(at)) for at in range(start, min(count, start + 1000))])


class SlackAway:
    """A handler that takes everything but alerts."""

    def __init__(self) -> None:
        self._heard = asyncio.Event()

    async def __call__(self, event: Event) -> None:
        if event.kind == "alert":
            raise TransientError("Slack does not take messages")
        self._heard.set()

    async def hears_within(self, seconds: float) -> bool:
        """Return whether anything else comes in that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        return self._heard.is_set()


async def resumed_within(queue: RedisQueue, seconds: float) -> bool:
    """Approve something while alerts are stuck, right at the worker's start; returns whether it is heard in time."""
    handler = SlackAway()
    async with consuming(queue, handler, 32):
        await queue.put(an_event(id="resume", kind="job.resume", key="remediation:1"))
        return await handler.hears_within(seconds)


@pytest.mark.parametrize("keys_of", [1, 10_000])
async def test_ten_thousand_stuck_alerts_delay_no_approved_action_by_a_second(valkey: Redis, keys_of: int) -> None:
    queue = RedisQueue(valkey)
    await put_alerts(queue, 10_000, lambda at: f"alert:{at % keys_of}")
    assert await resumed_within(queue, 1)


async def test_in_the_alerts_stream_an_approved_action_waits_for_a_storm(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "stream_of", lambda kind: keys.WORK)
    queue = RedisQueue(valkey)
    await put_alerts(queue, 2000, lambda at: f"alert:{at}")
    assert not await resumed_within(queue, 2)


async def asked_beside_a_stuck_service(valkey: Redis, seconds: float) -> bool:
    """Have more alerts of one service stuck than a worker holds; returns whether a question behind them is heard."""
    queue, handler = RedisQueue(valkey, most_held=200), SlackAway()
    await put_alerts(queue, 1000, lambda _: "alert:checkout")
    await queue.put(an_event(id="ask", kind="job.ask", key="thread:1"))
    async with consuming(queue, handler):
        return await handler.hears_within(seconds)


async def test_a_stuck_service_leaves_the_rest_of_its_stream_to_be_read(valkey: Redis) -> None:
    assert await asked_beside_a_stuck_service(valkey, 5)


async def test_a_stuck_service_that_may_fill_the_memory_stops_its_stream(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "_SHORT", 1_000_000)
    assert not await asked_beside_a_stuck_service(valkey, 2)


async def test_what_was_left_in_the_stream_comes_in_order_and_the_memory_stays_bounded(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    add = lanes.Lanes.add

    def watched(self: lanes.Lanes, entry: lanes.Entry) -> None:
        add(self, entry)
        held.append(len(self.held))

    monkeypatch.setattr(lanes.Lanes, "add", watched)
    queue, diary, go_on = RedisQueue(valkey, most_held=40, **QUICK), Diary(), asyncio.Event()

    async def handler(event: Event) -> None:
        if not go_on.is_set():
            raise TransientError("not yet")
        await diary(event)

    await put_alerts(queue, 300, lambda _: "one")
    async with consuming(queue, handler):
        await wait_until(lambda: len(held) == 300)
        assert max(held) == 20
        go_on.set()
        await wait_until(lambda: is_empty(valkey))
    assert diary.ids == [f"a{at:05}" for at in range(300)]
