"""Old checkpoints go, and nothing goes that the kept ones, an open question or a delta channel rest on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from bot.adapters.redis.checkpointer import CorruptCheckpointError, RedisSaver
from tests.contracts.saver.graphs import asking, chorus, config, counting, nested
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import DAY
from tests.contracts.saver.talk import talking

WRITERS = ["ann", "bob", "cleo"]


@pytest.fixture
async def client(any_ground: Ground) -> AsyncIterator[Any]:
    """Yield a client of an empty server."""
    async with any_ground.client() as opened:
        yield opened


def keeping(client: Any, last: int | None) -> RedisSaver:
    """Return a saver that keeps so many."""
    return RedisSaver(client, ttl=DAY, keep_last=last)


async def listed(saver: RedisSaver, **more: Any) -> list[Any]:
    """Return a thread's checkpoints."""
    return [each async for each in saver.alist(config(**more))]


async def test_as_many_stay_as_were_asked_for_and_say_what_they_said(client: Any) -> None:
    saver, memory = keeping(client, 3), InMemorySaver()
    for said in range(30):
        for graph in (talking(saver), talking(memory)):
            await graph.ainvoke({"messages": [f"{said} " * 40]}, config(), durability="sync")
    found = await listed(saver)
    expected = [each.checkpoint["channel_values"] for each in memory.list(config(), limit=3)]
    assert [len(each.checkpoint["channel_values"]["messages"]) for each in found] == [
        len(each["messages"]) for each in expected
    ]
    assert [each.content for each in found[0].checkpoint["channel_values"]["messages"]] == [
        each.content for each in expected[0]["messages"]
    ]


async def test_what_nothing_refers_to_is_forgotten(client: Any) -> None:
    saver = keeping(client, 2)
    graph = talking(saver)
    sizes = []
    for said in range(60):
        await graph.ainvoke({"messages": [f"{said} " * 40], "forget": True}, config(), durability="sync")
        sizes.append(await client.hlen((await client.keys("*:d"))[0]))
    assert max(sizes[30:]) <= 1.5 * max(sizes[:30])
    await keeping(client, 60 * 10).aput_writes(config(checkpoint_id="0"), [("x", 1)], "task")
    everything = keeping(client, None)
    for said in range(60):
        await talking(everything).ainvoke(
            {"messages": [f"{said} " * 40], "forget": True}, config("all"), durability="sync"
        )
    assert await client.hlen((await client.keys("*all*:d"))[0]) > 3 * max(sizes)


async def test_an_open_question_is_answered_however_little_is_kept(client: Any) -> None:
    graph = asking(keeping(client, 1), ["restart", "scale"])
    for act in ("restart", "scale"):
        await graph.ainvoke(Command(resume="approve") if act == "scale" else {}, config(), durability="sync")
        state = await graph.aget_state(config())
        assert state.interrupts[0].value == {"act": act}
    assert (await graph.ainvoke(Command(resume="approve"), config(), durability="sync"))["done"] == ["restart", "scale"]


async def test_a_question_within_a_graph_within_is_answered_however_little_is_kept(client: Any) -> None:
    ran: list[str] = []
    graph = nested(keeping(client, 1), ran)
    await graph.ainvoke({}, config(), durability="sync")
    state = await graph.aget_state(config())
    answer = Command(resume={state.interrupts[0].id: "yes"})
    assert "yes" in (await graph.ainvoke(answer, config(), durability="sync"))["told"]
    assert ran.count("before") == 1


async def test_an_open_question_is_not_pushed_out_by_a_checkpoint_that_comes_late(client: Any) -> None:
    saver = keeping(client, 1)
    await asking(saver, ["restart"]).ainvoke({}, config(), durability="sync")
    [waiting] = await listed(saver)
    late = waiting.checkpoint | {"id": "0" + waiting.checkpoint["id"][1:]}
    await saver.aput(config(), late, {}, {})
    assert await listed(saver) == [waiting]


@pytest.mark.parametrize("last", [1, 2, 5])
async def test_a_delta_channel_keeps_what_it_rests_on(client: Any, last: int) -> None:
    saver, memory = keeping(client, last), InMemorySaver()
    for _ in range(2):
        for each in (saver, memory):
            ran = await chorus(each, WRITERS, 4).ainvoke({"rounds": 0}, config(), durability="sync")
    read = await chorus(keeping(client, last), WRITERS, 4).aget_state(config())
    assert read.values["told"] == ran["told"]
    assert len(ran["told"]) >= 12
    await saver.aprune(["t"])
    assert (await chorus(saver, WRITERS, 4).aget_state(config())).values["told"] == ran["told"]


async def test_without_that_care_it_would_be_refused_and_not_read_short(
    client: Any,
) -> None:
    await chorus(keeping(client, None), WRITERS, 4).ainvoke({"rounds": 0}, config(), durability="sync")
    data = (await client.keys("*:d"))[0]
    seeds = [name for name in await client.hkeys(data) if name.startswith(b"k")]
    assert seeds
    await client.hdel(data, *seeds)
    await keeping(client, 1).aprune(["t"])
    with pytest.raises(CorruptCheckpointError, match="rests on"):
        await chorus(keeping(client, 1), WRITERS, 4).aget_state(config())


async def test_a_late_retry_of_what_is_gone_brings_nothing_back(client: Any) -> None:
    saver = keeping(client, 2)
    puts: list[Any] = []
    stored = saver.aput

    async def recorded(*call: Any) -> Any:
        puts.append(call)
        return await stored(*call)

    saver.aput = recorded  # type: ignore[method-assign]
    await counting(saver).ainvoke({"count": 1}, config(), durability="sync")
    await counting(saver).ainvoke({"count": 2}, config(), durability="sync")
    before = [each.checkpoint["id"] for each in await listed(saver)]
    assert len(before) == 2
    await stored(*puts[0])
    assert [each.checkpoint["id"] for each in await listed(saver)] == before


async def test_namespaces_are_kept_each_for_itself(client: Any) -> None:
    saver = keeping(client, 2)
    for namespace in ("", "a", "a|b", "ab"):
        for number in range(4):
            await counting(saver).ainvoke({"count": number}, config(checkpoint_ns=""), durability="sync")
            checkpoint = {"v": 4, "id": f"{number}", "ts": "", "channel_values": {}, "channel_versions": {}}
            await saver.aput(config(checkpoint_ns=namespace or "z"), checkpoint | {"versions_seen": {}}, {}, {})  # type: ignore[arg-type]
    for namespace in ("", "a", "a|b", "ab", "z"):
        assert len(await listed(saver, checkpoint_ns=namespace)) == 2


async def test_pruning_at_once_with_a_run_loses_nothing_of_it(client: Any) -> None:
    saver = keeping(client, None)

    async def prune() -> None:
        for _ in range(20):
            await saver.aprune(["t"])
            await asyncio.sleep(0.001)

    graph = talking(saver)
    pruning = asyncio.create_task(prune())
    for said in range(8):
        await graph.ainvoke({"messages": [f"{said} " * 40]}, config(), durability="sync")
    await pruning
    assert len((await graph.aget_state(config())).values["messages"]) == 16


async def test_an_unknown_strategy_is_refused(client: Any) -> None:
    with pytest.raises(ValueError, match="keep_latest or delete"):
        await keeping(client, None).aprune(["t"], strategy="oldest")


def test_keeping_nothing_is_refused(any_ground: Ground) -> None:
    with pytest.raises(ValueError, match="keep_last"):
        RedisSaver(any_ground.client(), ttl=DAY, keep_last=0)
