"""Ticks: they repeat, they never overlap, and a lease or an outage only leaves one out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.adapters.scheduler import Ticker
from core.errors import TransientError
from tests.fakes.waiting import wait_until

OFTEN = timedelta(seconds=0.02)


async def test_a_tick_that_overruns_is_not_doubled() -> None:
    inside, most, ticks = 0, 0, 0

    async def tick() -> None:
        nonlocal inside, most, ticks
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.07)
        inside -= 1
        ticks += 1

    ticker = Ticker("slow", tick, OFTEN, None)
    ticker.start()
    await wait_until(lambda: ticks >= 3)
    ticker.stop()
    assert most == 1


async def test_who_does_not_get_the_lease_does_not_tick() -> None:
    free, ticks, tries = False, 0, 0

    @asynccontextmanager
    async def lease(name: str) -> AsyncIterator[int]:
        nonlocal tries
        tries += 1
        if not free:
            raise TransientError(f"the lease of {name} is held by another worker")
        yield 1

    async def tick() -> None:
        nonlocal ticks
        ticks += 1

    ticker = Ticker("sweeper", tick, OFTEN, lease)
    ticker.start()
    await wait_until(lambda: tries >= 3)
    assert ticks == 0
    free = True
    await wait_until(lambda: ticks >= 1)
    ticker.stop()


async def test_a_broken_tick_is_followed_by_the_next() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        ticks += 1
        raise TransientError("database: OperationalError") if ticks == 1 else ValueError("broken")

    ticker = Ticker("sweeper", tick, OFTEN, None)
    ticker.start()
    await wait_until(lambda: ticks >= 4)
    ticker.stop()
