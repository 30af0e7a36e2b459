"""Messages while a request waits, or two at once: each is answered, and none runs over the gate or the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis.checkpointer import open_saver
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.queue import RedisQueue
from core.approval import ApprovalStatus
from core.event import Event
from core.ids import remediation_thread_id
from graphs.investigation import graph as investigation
from graphs.remediation import graph as remediation
from graphs.runner import LangGraphRunner, thread_config
from tests.contracts.test_consume import consuming, is_empty
from tests.fakes.examples import an_event
from tests.fakes.servers import *
from tests.fakes.waiting import wait_until
from tests.graphs.world import World, a_brief, a_proposal, approval_of

THREAD = remediation_thread_id("rem_1")
FAR = 2**62
"""An epoch that comes after every other, for a look at the end."""
Lease = Callable[[str], AbstractAsyncContextManager[int]]


async def waiting_at(world: World) -> list[Any]:
    snapshot = await remediation.compile_graph(world.saver).aget_state(thread_config(THREAD, FAR))
    return [each.value for each in snapshot.interrupts]


async def test_questions_are_answered_while_a_request_waits_and_the_request_waits_on() -> None:
    world = World()
    await world.runner().remediate(a_proposal(incident_id=None))
    for number in range(3):
        await world.runner().investigate(a_brief("is checkout healthy?", number))
        await world.runner().remediate(a_proposal(incident_id=None))  # the same proposal, delivered again
    assert len(world.reports.rows) == 3
    assert await waiting_at(world) == [{"approval_id": approval_of()}]
    assert world.toolbox.effects == []
    assert await world.runner().resume(await world.vote(approval_of()))
    assert len(world.toolbox.effects) == 1
    assert (await world.approvals.load(approval_of())).status is ApprovalStatus.EXECUTED


async def test_another_proposal_waits_at_a_gate_of_its_own() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    await world.runner().remediate(a_proposal("rem_2"))
    assert await waiting_at(world) == [{"approval_id": approval_of()}]
    assert await world.runner().resume(await world.vote(approval_of("rem_2")))
    assert await waiting_at(world) == [{"approval_id": approval_of()}]
    assert len(world.toolbox.effects) == 1


async def test_a_message_that_is_run_on_the_waiting_thread_itself_runs_over_the_gate() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    graph = remediation.compile_graph(world.saver)
    message = {"proposal": a_proposal("rem_2").model_dump(mode="json"), "attempt": 1, "round": 2}
    await graph.ainvoke(message, thread_config(THREAD, FAR), context=world.context)
    assert await waiting_at(world) != [{"approval_id": approval_of()}]


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Yield a client of an empty server."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@asynccontextmanager
async def no_lease(name: str) -> AsyncIterator[int]:
    yield 1


async def remembered(redis: Redis, redis_url: str, rounds: int, lease: Lease, key: str) -> list[int]:
    """Ask two questions at once on one thread, round after round, of two workers; returns how many of both each thread
    remembers. `key` is where both questions stand in line, with `{}` for what tells them apart."""
    async with open_saver(redis_url, timedelta(days=1)) as saver:
        world = World(saver=saver)

        def worker() -> Callable[[Event], Any]:
            runner = LangGraphRunner(saver, world.context, lease)

            async def handle(event: Event) -> None:
                thread, number = str(event.body["thread"]), int(str(event.body["number"]))
                await runner.investigate(a_brief(f"how is checkout? {number}", number, thread_id=thread))

            return handle

        queues = [RedisQueue(redis, consumer=f"w{number}", pause=timedelta(seconds=0.05)) for number in (1, 2)]
        async with consuming(queues[0], worker()), consuming(queues[1], worker()):
            for number in range(rounds):
                thread = f"conversation:C1:{number}"
                pair = [
                    an_event(
                        kind="job.ask",
                        key=f"{thread}:{key.format(half)}",
                        body={"thread": thread, "number": 2 * number + half},
                    )
                    for half in (0, 1)
                ]
                await asyncio.gather(*(queue.put(event) for queue, event in zip(queues, pair, strict=True)))
            await wait_until(lambda: is_empty(redis), within=25)
        assert len(world.reports.rows) == 2 * rounds
        graph = investigation.compile_graph(saver)
        states = [await graph.aget_state(thread_config(f"conversation:C1:{number}", FAR)) for number in range(rounds)]
    return [len({str(turn) for turn in state.values["history"] if "how is" in str(turn)}) for state in states]


async def test_two_messages_at_once_on_one_thread_are_both_remembered(redis: Redis, redis_url: str) -> None:
    assert await remembered(redis, redis_url, 10, RedisLease(redis), "one line") == [2] * 10


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_two_messages_at_once_are_both_remembered_a_hundred_times(redis: Redis, redis_url: str) -> None:
    assert await remembered(redis, redis_url, 100, RedisLease(redis), "one line") == [2] * 100


async def test_in_two_lines_and_without_a_lease_one_forgets_the_other(redis: Redis, redis_url: str) -> None:
    assert min(await remembered(redis, redis_url, 10, no_lease, "line {}")) < 2
