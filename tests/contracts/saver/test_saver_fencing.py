"""Who held the thread's lease before another can change nothing, wherever it had stopped."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.types import Command

from bot.adapters.redis.checkpointer import FENCING_EPOCH, FencedError, RedisSaver
from core.errors import TransientError
from tests.contracts.saver.graphs import asking, config, nested
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import DAY


class Unfenced(RedisSaver):
    """Broken on purpose: forgets under which epoch it is asked."""

    async def _fenced(self, script: Any, config: Any, *arguments: Any) -> Any:
        forgotten = {name: value for name, value in config["configurable"].items() if name != FENCING_EPOCH}
        return await super()._fenced(script, {"configurable": forgotten}, *arguments)


@pytest.fixture
async def saver(ground: Ground) -> AsyncIterator[RedisSaver]:
    """Yield the saver over an empty server."""
    async with ground.client() as client:
        yield RedisSaver(client, ttl=DAY)


def held(epoch: int, **more: Any) -> Any:
    """Return the config of who holds the thread under an epoch."""
    return config("t", **{FENCING_EPOCH: epoch}, **more)


async def put(saver: RedisSaver, where: Any, said: str) -> Any:
    """Store a checkpoint with one value."""
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"], checkpoint["channel_versions"] = {"said": said}, {"said": said}
    return await saver.aput(where, checkpoint, {"source": "loop"}, {"said": said})


async def said(saver: RedisSaver) -> Any:
    """Return the value of the latest checkpoint, with its pending writes."""
    found = await saver.aget_tuple(config("t"))
    assert found is not None
    return found.checkpoint["channel_values"]["said"], found.pending_writes


async def test_an_older_epoch_can_neither_write_nor_read(saver: RedisSaver) -> None:
    await put(saver, held(1), "old")
    place = await put(saver, held(2), "new")
    stale = held(1, checkpoint_id=place["configurable"]["checkpoint_id"])
    for refused in (
        lambda: put(saver, held(1), "stale"),
        lambda: saver.aput_writes(stale, [("said", "stale")], "task"),
        lambda: saver.aget_tuple(held(1)),
        lambda: saver.aget_tuple(stale),
        lambda: saver.aget_delta_channel_history(config=held(1), channels=["said"]),
    ):
        with pytest.raises(FencedError, match="belongs to epoch 2"):
            await refused()
    assert await said(saver) == ("new", [])


async def test_a_saver_that_forgets_the_epoch_lets_it(ground: Ground) -> None:
    async with ground.client() as client:
        saver = Unfenced(client, ttl=DAY)
        await put(saver, held(2), "new")
        await put(saver, held(1), "stale")
        assert await said(saver) == ("stale", [])


async def test_reading_raises_the_fence_before_anything_is_written(saver: RedisSaver) -> None:
    assert await saver.aget_tuple(held(7)) is None
    with pytest.raises(FencedError):
        await put(saver, held(6), "stale")
    await put(saver, held(7), "held")
    assert await said(saver) == ("held", [])


async def test_without_an_epoch_a_fenced_thread_may_be_read_and_not_written(saver: RedisSaver) -> None:
    place = await put(saver, config("t"), "free")
    await put(saver, held(1), "held")
    with pytest.raises(FencedError, match="without an epoch"):
        await put(saver, config("t"), "free")
    with pytest.raises(FencedError):
        await saver.aput_writes(place, [("said", "free")], "task")
    assert await said(saver) == ("held", [])
    assert len([each async for each in saver.alist(config("t"))]) == 2


async def test_epochs_are_compared_as_numbers(saver: RedisSaver) -> None:
    await put(saver, held(9), "nine")
    await put(saver, held(10), "ten")
    await put(saver, held(2**52), "long")
    with pytest.raises(FencedError):
        await put(saver, held(2**52 - 1), "stale")


async def test_a_fence_is_of_one_thread_and_all_of_its_namespaces(saver: RedisSaver) -> None:
    await put(saver, held(5), "held")
    await put(saver, config("other"), "free")
    with pytest.raises(FencedError):
        await put(saver, held(4, checkpoint_ns="inner:1"), "stale")


async def test_a_deleted_thread_is_not_brought_back_by_who_was_paused(saver: RedisSaver, ground: Ground) -> None:
    await put(saver, held(2), "held")
    await saver.adelete_thread("t")
    with pytest.raises(FencedError):
        await put(saver, held(1), "stale")
    assert await saver.aget_tuple(held(2)) is None
    assert all(0 < left <= DAY.total_seconds() * 1000 for left in (await ground.left()).values())


async def test_a_whole_run_is_fenced_down_to_the_graphs_within(saver: RedisSaver) -> None:
    graph = nested(saver, [])
    await graph.ainvoke({}, held(1), durability="sync")
    state = await graph.aget_state(held(1), subgraphs=True)
    with pytest.raises(FencedError):
        # Inside a task's namespace, too, where the run stopped.
        await put(saver, config("t", checkpoint_ns=state.tasks[0].state.config["configurable"]["checkpoint_ns"]), "x")
    answer = Command(resume={state.interrupts[0].id: "yes"})
    assert "yes" in (await graph.ainvoke(answer, held(2), durability="sync"))["told"]
    with pytest.raises(FencedError):
        await graph.ainvoke(answer, held(1), durability="sync")
    async for each in graph.aget_state_history(held(2)):
        assert FENCING_EPOCH not in (each.metadata or {})


async def test_what_is_refused_may_be_tried_again_by_who_holds_the_thread_now(saver: RedisSaver) -> None:
    graph = asking(saver, ["restart"])
    await graph.ainvoke({}, held(1), durability="sync")
    await saver.aget_tuple(held(2))
    with pytest.raises(TransientError):
        await graph.ainvoke(Command(resume="approve"), held(1), durability="sync")
    assert (await graph.ainvoke(Command(resume="approve"), held(2), durability="sync"))["done"] == ["restart"]
