"""The saver holds what graphs rest on, and says so when it cannot; a published one does not always."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_checkpoint_aws.checkpoint.valkey import AsyncValkeySaver
from redis.asyncio import Redis
from typing_extensions import TypedDict
from valkey.asyncio import Valkey

from bot.adapters.redis.checkpointer import RedisSaver, open_saver
from core.errors import TransientError
from tests.contracts.saver.graphs import config
from tests.contracts.saver.savers import DAY
from tests.fakes.processes import end
from tests.fakes.servers import start_redis

WEEK = 7 * DAY
COLONS = "conversation:C1:1699.0001"


class State(TypedDict, total=False):
    """What the small graph carries."""

    said: str


def gate(state: State) -> State:
    """Ask and wait."""
    return {"said": interrupt({"approval_id": "apr_1"})}


def graph(saver: Any) -> Any:
    """Return a graph that waits for one answer."""
    built = StateGraph(State).add_node("gate", gate).add_edge(START, "gate").add_edge("gate", END)
    return built.compile(checkpointer=saver)


@pytest.fixture
async def saver(any_redis_url: str) -> AsyncIterator[RedisSaver]:
    """Yield the saver over an empty server."""
    async with open_saver(any_redis_url, WEEK) as opened:
        yield opened


async def test_a_graph_that_waits_goes_on_in_another_saver(any_redis_url: str) -> None:
    async with open_saver(any_redis_url, WEEK) as saver:
        await graph(saver).ainvoke({"said": ""}, config(COLONS), durability="sync")
    async with open_saver(any_redis_url, WEEK) as saver:
        state = await graph(saver).aget_state(config(COLONS))
        assert state.next == ("gate",)
        answer = Command(resume={state.interrupts[0].id: "approved"})
        assert await graph(saver).ainvoke(answer, config(COLONS), durability="sync") == {"said": "approved"}


async def test_a_thread_that_never_was_is_empty(saver: RedisSaver) -> None:
    assert await saver.aget_tuple(config("nobody")) is None
    assert [each async for each in saver.alist(config("nobody"))] == []


async def test_every_key_runs_out_and_carries_our_name(saver: RedisSaver, redis: Redis) -> None:
    await graph(saver).ainvoke({"said": ""}, config(COLONS), durability="sync")
    found: list[Any] = await redis.keys()
    assert len(found) == 2
    for key in found:
        assert key.startswith(b"watchkeeper:graph:{")
        assert 0 < await redis.ttl(key) <= WEEK.total_seconds()


NAMES = [COLONS, "st*r", "stxr", "conversation:C1", "x:y::z", "{a}b", "}", "\ud800", "", "nul\0", "nul\1"]


async def test_deleting_a_thread_leaves_nothing_of_it_and_all_of_others(saver: RedisSaver, redis: Redis) -> None:
    for name in NAMES:
        await graph(saver).ainvoke({"said": ""}, config(name), durability="sync")
    gone = {COLONS, "st*r", "}", "nul\0"}
    for name in gone:
        await saver.adelete_thread(name)
    assert len(await redis.keys()) == 2 * (len(NAMES) - len(gone))
    left = {each.config["configurable"]["thread_id"] async for each in saver.alist(None)}
    assert left == set(NAMES) - gone
    for name in NAMES:
        assert (await saver.aget_tuple(config(name)) is None) == (name in gone)


async def test_a_published_one_leaves_keys_and_deletes_others(any_redis_url: str, redis: Redis) -> None:
    async with AsyncValkeySaver.from_conn_string(any_redis_url, ttl_seconds=60) as saver:
        for name in (COLONS, "st*r", "stxr"):
            await graph(saver).ainvoke({"said": ""}, config(name), durability="sync")
        await saver.adelete_thread(COLONS)
        await saver.adelete_thread("st*r")
        assert await saver.aget_tuple(config("stxr")) is None
        assert await redis.keys(f"*{COLONS}*") != []


async def test_a_hundred_nodes_may_write_at_once(saver: RedisSaver) -> None:
    place = await saver.aput(config("t"), empty_checkpoint(), {}, {})
    await asyncio.gather(*(saver.aput_writes(place, [("said", str(number))], f"task{number}") for number in range(100)))
    found = await saver.aget_tuple(config("t"))
    assert found is not None
    assert len(found.pending_writes or ()) == 100


async def test_an_outage_is_never_an_empty_thread(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    async with open_saver(url, WEEK) as saver:
        await graph(saver).ainvoke({"said": ""}, config("t"), durability="sync")
        end(child)
        with pytest.raises(TransientError):
            await saver.aget_tuple(config("t"))
        with pytest.raises(TransientError):
            await graph(saver).aget_state(config("t"))
        with pytest.raises(TransientError):
            _ = [each async for each in saver.alist(config("t"))]
        with pytest.raises(TransientError):
            _ = [each async for each in saver.alist(None)]
        with pytest.raises(TransientError):
            await saver.aget_delta_channel_history(config=config("t"), channels=["said"])
        with pytest.raises(TransientError):
            await saver.aput(config("t"), empty_checkpoint(), {}, {})
        with pytest.raises(TransientError):
            await saver.aput_writes(config("t", checkpoint_id="1"), [("said", "")], "task")
        with pytest.raises(TransientError):
            await saver.adelete_thread("t")


async def test_a_published_one_takes_an_outage_for_an_empty_thread(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = Valkey.from_url(url)
    saver = AsyncValkeySaver(client, ttl=60)
    await graph(saver).ainvoke({"said": ""}, config("t"), durability="sync")
    end(child)
    assert await saver.aget_tuple(config("t")) is None
    assert (await graph(saver).aget_state(config("t"))).next == ()
    await client.aclose()


async def test_who_calls_it_without_asyncio_is_told_so(saver: RedisSaver) -> None:
    with pytest.raises(NotImplementedError, match="ainvoke"):
        saver.get_tuple(config("t"))


def test_a_client_that_answers_in_text_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        RedisSaver(Redis(decode_responses=True), ttl=WEEK)
