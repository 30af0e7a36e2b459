"""Two messages at once on one thread, from two workers: both are answered and both are remembered."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.redis.checkpointer import open_saver
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from graphs.runner import LangGraphRunner, thread_config
from tests.fakes.servers import *
from tests.graphs.world import World, a_brief

HOUR = timedelta(hours=1)
Lease = Callable[[str], Any]


@asynccontextmanager
async def nobody_waits(name: str) -> AsyncIterator[int]:
    """What stock langgraph has in place of a lease."""
    yield 1


@asynccontextmanager
async def two_workers(url: str, lease_of: Callable[[Any], Lease]) -> AsyncIterator[list[LangGraphRunner]]:
    """Yield two runners with connections of their own over the same rows."""
    redis = [connect(url), connect(url)]
    async with open_saver(url, HOUR) as one, open_saver(url, HOUR) as other:
        world = World()
        pairs = zip((one, other), redis, strict=True)
        yield [LangGraphRunner(saver, world.context, lease_of(client)) for saver, client in pairs]
    for client in redis:
        await client.aclose()


async def forgotten(url: str, rounds: int, lease_of: Callable[[Any], Lease]) -> int:
    """Send two messages at once in each round, to a thread of its own; returns how many a thread does not remember."""
    missing = 0
    async with two_workers(url, lease_of) as runners:
        for number in range(rounds):
            thread = f"conversation:C1:{number}"
            asked = ("restart checkout", "how is payments?")
            briefs = [
                a_brief(question, 2 * number + at, thread_id=thread, place=a_brief().place)
                for at, question in enumerate(asked)
            ]
            reports = await asyncio.gather(
                *(runner.investigate(brief) for runner, brief in zip(runners, briefs, strict=True))
            )
            assert len({report.id for report in reports}) == 2
            snapshot = await runners[0]._investigation.aget_state(thread_config(thread, 2**52))
            remembered = {row["report_id"] for row in snapshot.values["history"]}
            missing += len({brief.report_id for brief in briefs} - remembered)
    return missing


@pytest.mark.parametrize("rounds", [20, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(120)])])
async def test_two_messages_at_once_are_both_remembered(redis_url: str, rounds: int) -> None:
    missing = await forgotten(redis_url, rounds, lambda redis: RedisLease(redis, ttl=timedelta(seconds=10)))
    print(f"{rounds} rounds: {missing} messages lost")
    assert missing == 0


async def test_without_a_lease_a_thread_forgets_one_of_the_two(redis_url: str) -> None:
    missing = await forgotten(redis_url, 20, lambda redis: nobody_waits)
    print(f"20 rounds of stock langgraph: {missing} messages lost")
    assert missing > 10
