"""The saver holds what graphs rest on, and says so when it cannot; the library's own does not always."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_checkpoint_aws.checkpoint.valkey import AsyncValkeySaver
from redis.asyncio import Redis
from typing_extensions import TypedDict
from valkey.asyncio import Valkey

from bot.adapters.redis.checkpointer import StrictValkeySaver, open_saver
from bot.adapters.redis.connection import connect
from core.approval import Vote
from core.errors import TransientError
from tests.fakes.clock import START as NOW
from tests.fakes.processes import end
from tests.fakes.servers import start_redis

WEEK = timedelta(days=7)
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


def config(thread_id: str, **more: str) -> Any:
    """Return a run's configuration."""
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""} | more}


@pytest.fixture
async def saver(any_redis_url: str) -> AsyncIterator[StrictValkeySaver]:
    """Yield the saver over an empty server."""
    async with open_saver(any_redis_url, WEEK) as opened:
        yield opened


@pytest.fixture
async def redis(any_redis_url: str) -> AsyncIterator[Redis]:
    """Yield a client of the same server."""
    client = connect(any_redis_url)
    yield client
    await client.aclose()


async def test_a_graph_that_waits_goes_on_in_another_saver(any_redis_url: str) -> None:
    async with open_saver(any_redis_url, WEEK) as saver:
        await graph(saver).ainvoke({"said": ""}, config(COLONS), durability="sync")
    async with open_saver(any_redis_url, WEEK) as saver:
        state = await graph(saver).aget_state(config(COLONS))
        assert state.next == ("gate",)
        answer = Command(resume={state.interrupts[0].id: "approved"})
        assert await graph(saver).ainvoke(answer, config(COLONS), durability="sync") == {"said": "approved"}


async def test_a_thread_that_never_was_is_empty(saver: StrictValkeySaver) -> None:
    assert await saver.aget_tuple(config("nobody")) is None
    assert [each async for each in saver.alist(config("nobody"))] == []


async def test_every_key_runs_out_and_carries_our_name(saver: StrictValkeySaver, redis: Redis) -> None:
    await graph(saver).ainvoke({"said": ""}, config(COLONS), durability="sync")
    found: list[Any] = await redis.keys()
    assert found
    for key in found:
        assert key.startswith(b"watchkeeper:")
        assert 0 < await redis.ttl(key) <= WEEK.total_seconds()


async def test_deleting_a_thread_leaves_nothing_of_it_and_all_of_others(saver: StrictValkeySaver, redis: Redis) -> None:
    names = [COLONS, "st*r", "stxr", "conversation:C1", "x:y::z"]
    for name in names:
        await graph(saver).ainvoke({"said": ""}, config(name), durability="sync")
    each = len(await redis.keys()) // len(names)
    for name in (COLONS, "st*r"):
        await saver.adelete_thread(name)
    assert len(await redis.keys()) == each * 3
    assert await saver.aget_tuple(config("stxr")) is not None


async def test_the_librarys_own_leaves_keys_and_deletes_others(any_redis_url: str, redis: Redis) -> None:
    async with AsyncValkeySaver.from_conn_string(any_redis_url, ttl_seconds=60) as saver:
        for name in (COLONS, "st*r", "stxr"):
            await graph(saver).ainvoke({"said": ""}, config(name), durability="sync")
        await saver.adelete_thread(COLONS)
        await saver.adelete_thread("st*r")
        assert await saver.aget_tuple(config("stxr")) is None
        assert await redis.keys(f"*{COLONS}*") != []


async def test_forty_nodes_may_write_at_once(saver: StrictValkeySaver) -> None:
    place = await saver.aput(config("t"), empty_checkpoint(), {}, {})
    await asyncio.gather(*(saver.aput_writes(place, [("said", str(number))], f"task{number}") for number in range(40)))
    found = await saver.aget_tuple(config("t"))
    assert found is not None
    assert len(found.pending_writes or ()) == 40


async def test_no_type_of_elsewhere_is_revived_from_redis(saver: StrictValkeySaver) -> None:
    vote = Vote(approval_id="apr_1", person="U0BOB", choice="approve", at=NOW)
    checkpoint = empty_checkpoint()
    checkpoint["channel_values"] = {"said": vote}
    trusting = StrictValkeySaver(saver.client, ttl=60, serde=JsonPlusSerializer(allowed_msgpack_modules=True))
    await trusting.aput(config("t"), checkpoint, {}, {})
    assert await said(saver) == vote.model_dump()
    assert await said(trusting) == vote


async def said(saver: StrictValkeySaver) -> object:
    found = await saver.aget_tuple(config("t"))
    assert found is not None
    return found.checkpoint["channel_values"]["said"]


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
            await saver.aput(config("t"), empty_checkpoint(), {}, {})
        with pytest.raises(TransientError):
            await saver.aput_writes(config("t", checkpoint_id="1"), [("said", "")], "task")
        with pytest.raises(TransientError):
            await saver.adelete_thread("t")


async def test_the_librarys_own_takes_an_outage_for_an_empty_thread(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = Valkey.from_url(url)
    saver = AsyncValkeySaver(client, ttl=60)
    await graph(saver).ainvoke({"said": ""}, config("t"), durability="sync")
    end(child)
    assert await saver.aget_tuple(config("t")) is None
    assert (await graph(saver).aget_state(config("t"))).next == ()
    await client.aclose()


async def test_a_checkpoint_that_cannot_be_read_is_not_an_empty_thread(saver: StrictValkeySaver, redis: Redis) -> None:
    await graph(saver).ainvoke({"said": ""}, config("t"), durability="sync")
    for key in await redis.keys("watchkeeper:checkpoint:*"):
        await redis.set(key, b"{torn")
    with pytest.raises(TransientError):
        await saver.aget_tuple(config("t"))
