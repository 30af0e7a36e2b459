"""A master that dies in the middle of a run: the saver goes on with its replica, and no answer counts twice."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from bot.adapters.redis.checkpointer import FencedError, open_saver
from core.errors import TransientError
from tests.contracts.saver.graphs import asking, config, walking
from tests.contracts.saver.savers import TTL
from tests.fakes.clusters import Watched, start_watched
from tests.fakes.servers import ENGINES
from tests.fakes.waiting import wait_until

STEPS = 40


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Yield a master with its replica, watched by three Sentinels."""
    started = start_watched(tmp_path, ENGINES[-1])
    yield started
    started.stop()


@asynccontextmanager
async def followed(watched: Watched) -> AsyncIterator[Any]:
    """Yield a saver that asks the Sentinels who is the master."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in watched.sentinels)
    async with open_saver(f"redis+sentinel://{hosts}/{watched.service}", TTL) as saver:
        yield saver


@asynccontextmanager
async def pinned(watched: Watched) -> AsyncIterator[Any]:
    """Yield a saver that knows one server and no other: the twin."""
    async with open_saver(f"redis://127.0.0.1:{watched.master}", TTL) as saver:
        yield saver


async def carried_on(graph: Any, given: Any, where: Any, within: float = 15.0) -> Any:
    """Return what the graph came to, as a worker would get it there: another try after every outage."""
    deadline = monotonic() + within
    while True:
        try:
            return await graph.ainvoke(given, where, durability="sync")
        except TransientError:
            assert monotonic() < deadline, "the saver did not follow"
            await asyncio.sleep(0.05)
            given = None if (await _tried(graph, where)) else given


async def _tried(graph: Any, where: Any) -> bool:
    try:
        return bool((await graph.aget_state(where)).values)
    except TransientError:
        return False


async def test_a_run_goes_on_after_a_failover_and_nothing_is_decided_twice(watched: Watched) -> None:
    acted: list[str] = []
    done: list[int] = []
    async with followed(watched) as saver, pinned(watched) as twin:
        asks, walks = asking(saver, ["restart"], acted=acted), walking(saver, STEPS, done)
        await asks.ainvoke({}, config("asks", __fencing_epoch=1), durability="sync")
        run = asyncio.create_task(carried_on(walks, {"count": 0}, config("walks", __fencing_epoch=1)))
        await wait_until(lambda: len(done) > STEPS // 4)
        watched.wait_replicated()
        watched.kill_master()
        assert (await run)["count"] == STEPS
        assert sorted(set(done)) == list(range(STEPS)), "a step was lost"
        assert watched.acting_master() == watched.replica

        state = await asks.aget_state(config("asks", __fencing_epoch=2))
        answer = Command(resume={state.interrupts[0].id: "approve"})
        strict = config("asks", __fencing_epoch=2, __pregel_strict_resume=True)
        assert (await asks.ainvoke(answer, strict, durability="sync"))["done"] == ["restart"]
        with pytest.raises(UnknownInterruptError):
            await asks.ainvoke(answer, strict, durability="sync")
        with pytest.raises(FencedError):
            await asks.ainvoke(answer, config("asks", __fencing_epoch=1), durability="sync")
        assert acted == ["restart"]

        with pytest.raises(AssertionError, match="did not follow"):
            await carried_on(asking(twin, ["restart"]), None, config("asks", __fencing_epoch=3), within=1)
