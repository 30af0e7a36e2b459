"""What is stored lives and goes as one, and a put never rests on what is no longer there."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from langgraph.types import Command

from bot.adapters.redis.checkpointer import CorruptCheckpointError, RedisSaver, scripts
from tests.contracts.saver.graphs import asking, config, counting, nested
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import DAY
from tests.contracts.saver.talk import talking

LONG = 30 * DAY
KEY = b"k" * 32


@pytest.fixture
async def client(any_ground: Ground) -> AsyncIterator[Any]:
    """Yield a client of an empty server."""
    async with any_ground.client() as opened:
        yield opened


@pytest.fixture
async def saver(client: Any) -> RedisSaver:
    """Return the saver over that server."""
    return RedisSaver(client, ttl=DAY, ttl_interrupted=LONG)


async def lives(ground: Ground) -> set[timedelta]:
    """Return for how long the keys live, to the minute."""
    return {timedelta(minutes=round(left / 60_000)) for left in (await ground.left()).values()}


def said(state: Any) -> list[str]:
    """Return the texts of a conversation."""
    return [each.content for each in state.values["messages"]]


async def test_all_keys_live_on_with_each_write_and_go_together(saver: RedisSaver, any_ground: Ground) -> None:
    for _ in range(2):
        await counting(saver).ainvoke({"topic": "x"}, config(), durability="sync")
        assert await lives(any_ground) == {DAY}
        await any_ground.age(timedelta(hours=20))
        assert await lives(any_ground) == {timedelta(hours=4)}
    assert (await counting(saver).aget_state(config())).values == {"topic": "x", "count": 2}
    await any_ground.age(timedelta(hours=5))
    assert await any_ground.left() == {}
    assert await saver.aget_tuple(config()) is None


async def test_reading_prolongs_nothing(saver: RedisSaver, any_ground: Ground) -> None:
    await counting(saver).ainvoke({"topic": "x"}, config(__fencing_epoch=1), durability="sync")
    await any_ground.age(timedelta(hours=20))
    await saver.aget_tuple(config(__fencing_epoch=2))
    assert await lives(any_ground) == {timedelta(hours=4)}


async def test_a_question_keeps_the_thread_for_longer_and_its_answer_ends_that(
    saver: RedisSaver, any_ground: Ground
) -> None:
    graph = asking(saver, ["restart", "scale"])
    await graph.ainvoke({}, config(), durability="sync")
    assert await lives(any_ground) == {LONG}
    await graph.ainvoke(Command(resume="approve"), config(), durability="sync")
    assert await lives(any_ground) == {LONG}
    await graph.ainvoke(Command(resume="approve"), config(), durability="sync")
    assert await lives(any_ground) == {DAY}


async def test_a_question_within_keeps_the_thread_too(saver: RedisSaver, any_ground: Ground) -> None:
    graph = nested(saver, [])
    await graph.ainvoke({}, config(), durability="sync")
    assert await lives(any_ground) == {LONG}
    await graph.ainvoke(Command(resume="yes"), config(), durability="sync")
    assert await lives(any_ground) == {DAY}


async def test_a_new_message_over_an_open_question_ends_it(saver: RedisSaver, any_ground: Ground) -> None:
    await asking(saver, ["restart"]).ainvoke({}, config(), durability="sync")
    await counting(saver).ainvoke({"count": 1}, config(), durability="sync")
    assert await lives(any_ground) == {DAY}


async def test_late_retries_neither_end_a_question_nor_ask_it_again(saver: RedisSaver, any_ground: Ground) -> None:
    calls: list[Any] = []
    for name in ("aput", "aput_writes"):
        setattr(saver, name, recorded(getattr(saver, name), calls))
    graph = asking(saver, ["restart"])
    await graph.ainvoke({}, config(), durability="sync")
    asked = len(calls)
    await calls[0]()
    assert await lives(any_ground) == {LONG}
    await graph.ainvoke(Command(resume="approve"), config(), durability="sync")
    for again in calls[:asked]:
        await again()
    assert await lives(any_ground) == {DAY}
    assert (await graph.aget_state(config())).interrupts == ()


def recorded(stored: Any, calls: list[Any]) -> Any:
    """Return a method that notes how it was called, to be called so again."""

    async def record(*call: Any, **more: Any) -> Any:
        calls.append(lambda: stored(*call, **more))
        return await stored(*call, **more)

    return record


def texts(*words: str) -> list[str]:
    """Return texts that are long enough to be stored each by itself."""
    return [f"{word} ".ljust(180, ".") for word in words]


async def put(saver: RedisSaver, number: int, *words: str, topic: str = "topic") -> Any:
    """Store a checkpoint with a list, and with a value that changed in the first one only."""
    checkpoint: Any = {"v": 4, "id": f"{number}", "ts": "", "versions_seen": {}}
    checkpoint["channel_values"] = {"list": texts(*words), "topic": topic}
    checkpoint["channel_versions"] = {"list": f"{number}", "topic": "1"}
    changed = {"list": f"{number}"} | ({"topic": "1"} if number == 1 else {})
    return await saver.aput(config(checkpoint_id=f"{number - 1}"), checkpoint, {}, changed)


async def values(saver: RedisSaver) -> Any:
    """Return the latest checkpoint's values."""
    found = await saver.aget_tuple(config())
    assert found is not None
    return found.checkpoint["channel_values"]


async def drop(client: Any, kinds: bytes) -> None:
    """Lose all fields of these kinds."""
    data = (await client.keys("*:d"))[0]
    await client.hdel(data, *[name for name in await client.hkeys(data) if name[:1] in kinds])


async def everything(client: Any) -> dict[bytes, bytes]:
    """Return all keys, to be put back."""
    return {key: await client.dump(key) for key in await client.keys()}


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
@pytest.mark.parametrize("lost", ["l", "b", "#l", "#lb", "all"])
async def test_what_redis_has_lost_is_sent_again(client: Any, key: bytes | None, lost: str) -> None:
    saver = RedisSaver(client, ttl=DAY, encryption_key=key)
    await put(saver, 1, "a", "b")
    await put(saver, 2, "a", "b", "c")
    if lost == "all":
        await client.flushall()
    else:
        await drop(client, lost.encode())
    await put(saver, 3, "a", "b", "c", "d")
    assert await values(saver) == {"list": texts("a", "b", "c", "d"), "topic": "topic"}


async def test_a_failover_to_who_lags_behind_loses_no_part_of_what_comes_after(client: Any, saver: RedisSaver) -> None:
    await put(saver, 1, "a")
    before = await everything(client)
    await put(saver, 2, "a", "b")
    for name, dumped in before.items():
        await client.restore(name, int(DAY.total_seconds() * 1000), dumped, replace=True)
    await put(saver, 3, "a", "b", "c")
    assert (await values(saver))["list"] == texts("a", "b", "c")


@pytest.mark.parametrize("lost", ["#l", "b"])
async def test_a_script_that_does_not_look_is_caught(client: Any, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    blind = scripts.Script(scripts._PUT.replace("if #missing > 0", "if false"))
    monkeypatch.setattr(scripts, "PUT", blind)
    saver = RedisSaver(client, ttl=DAY)
    await put(saver, 1, "a", "b")
    await drop(client, lost.encode())
    await put(saver, 2, "a", "b", "c")
    with pytest.raises(CorruptCheckpointError, match="missing"):
        await values(saver)


@pytest.mark.parametrize(
    "words",
    [("a", "b"), ("b",), ("a",), ("x", "b", "c"), ("a", "x", "b"), ("b", "a"), ("a", "a", "a"), ("a", "b", "b")],
)
async def test_a_list_may_change_in_any_way(saver: RedisSaver, words: tuple[str, ...]) -> None:
    await put(saver, 1, "a", "b")
    await put(saver, 2, *words)
    assert (await values(saver))["list"] == texts(*words)
    first = await saver.aget_tuple(config(checkpoint_id="1"))
    assert first is not None
    assert first.checkpoint["channel_values"]["list"] == texts("a", "b")


async def test_two_processes_take_turns(client: Any) -> None:
    one, two = RedisSaver(client, ttl=DAY), RedisSaver(client, ttl=DAY)
    for number, saver in enumerate((one, two, two, one, two), 1):
        await put(saver, number, *"abcdefg"[:number])
        assert (await values(one))["list"] == (await values(two))["list"] == texts(*"abcdefg"[:number])


async def test_a_message_that_was_changed_in_place_is_stored_as_it_is_now(saver: RedisSaver) -> None:
    message = HumanMessage("before " * 30, id="1")
    for number in (1, 2):
        checkpoint: Any = {"v": 4, "id": f"{number}", "ts": "", "versions_seen": {}}
        checkpoint["channel_values"] = {"messages": [message]}
        checkpoint["channel_versions"] = {"messages": number}
        await saver.aput(config(), checkpoint, {}, {"messages": number})
        message.content = "after " * 30
    now, then = [each async for each in saver.alist(config())]
    assert now.checkpoint["channel_values"]["messages"][0].content.startswith("after")
    assert then.checkpoint["channel_values"]["messages"][0].content.startswith("before")


async def test_a_conversation_costs_what_it_grew_by(client: Any, saver: RedisSaver) -> None:
    graph, sizes = talking(saver), []
    for number in range(30):
        await graph.ainvoke({"messages": [f"{number} " * 200]}, config(), durability="sync")
        sizes.append(await client.memory_usage((await client.keys("*:d"))[0], samples=0))
    early, late = sizes[14] - sizes[4], sizes[29] - sizes[19]
    assert late < 1.3 * early


async def test_many_at_once_lose_nothing(saver: RedisSaver) -> None:
    await asyncio.gather(*(put(saver, number, *"abcdefgh"[:number]) for number in range(1, 9)))
    assert (await values(saver))["list"] == texts(*"abcdefgh")
    assert [each.checkpoint["id"] async for each in saver.alist(config())] == [
        str(number) for number in range(8, 0, -1)
    ]


async def test_more_than_a_script_can_hold_at_once_is_stored_and_read_and_copied(saver: RedisSaver) -> None:
    words = [f"{number:>9}" for number in range(6_000)]
    for number, end in ((1, 5_999), (2, 6_000)):
        where = await put(saver, number, *words[:end])
    await saver.aput_writes(where, [("list", word) for word in words], "task")
    await saver.acopy_thread("t", "copy")
    for thread in ("t", "copy"):
        found = await saver.aget_tuple(config(thread))
        assert found is not None
        assert found.checkpoint["channel_values"]["list"] == texts(*words)
        assert [value for _, _, value in found.pending_writes or ()] == words
