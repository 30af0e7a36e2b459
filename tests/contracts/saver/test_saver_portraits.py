"""What a put does not serialise again is what it was, however a message was changed in place."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import ormsgpack
import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from redis.asyncio import Redis

from bot.adapters.redis.checkpointer import RedisSaver, draft
from bot.adapters.redis.checkpointer.portrait import Portrait, portrait

Change = Callable[[Any, Any], None]

CHANGES: dict[str, Change] = {
    "a text": lambda said, _: setattr(said, "content", "other"),
    "an id": lambda said, _: setattr(said, "id", "other"),
    "an argument of a call": lambda said, _: said.tool_calls[0]["args"].update(where="other"),
    "an element deep within": lambda said, _: said.tool_calls[0]["args"]["deep"][0].append(2),
    "a number that equals what it was": lambda said, _: said.tool_calls[0]["args"].update(number=1.0),
    "a bool that equals what was a number": lambda said, _: said.tool_calls[0]["args"].update(number=True),
    "a dict that was empty": lambda said, _: said.response_metadata.update(model="other"),
    "what a tool kept": lambda _, found: found.artifact.update(rows=2),
    "a field more": lambda said, _: setattr(said, "more", "other"),
    "content in blocks": lambda said, _: setattr(said, "content", [{"type": "text", "text": "other"}]),
}


def talk() -> list[AnyMessage]:
    """Return messages of each kind, with what can be changed within them."""
    arguments = {"where": "here", "number": 1, "deep": [[1]]}
    said = AIMessage("let me see", tool_calls=[{"name": "look", "args": arguments, "id": "c"}], id="a")
    return [HumanMessage("why?", id="h"), said, ToolMessage("found", tool_call_id="c", id="t", artifact={"rows": 1})]


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    """Return a client of an empty server."""
    async with Redis.from_url(redis_url) as opened:
        yield opened


async def put(saver: RedisSaver, number: int, messages: list[AnyMessage]) -> list[Any]:
    """Store messages under a new version and return them as they are read."""
    place: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    checkpoint: Any = {"v": 4, "id": f"{number}", "ts": "", "versions_seen": {}}
    checkpoint |= {"channel_values": {"messages": messages}, "channel_versions": {"messages": number}}
    await saver.aput(place, checkpoint, {}, {"messages": number})
    found = await saver.aget_tuple(place)
    assert found is not None
    return found.checkpoint["channel_values"]["messages"]


async def changed(client: Any, change: Change) -> tuple[list[bytes], list[bytes]]:
    """Return messages that were changed after a put as they are read after the next, and as they should be."""
    saver, messages = RedisSaver(client, ttl=timedelta(days=1)), talk()
    await put(saver, 1, messages)
    change(messages[1], messages[2])
    read = await put(saver, 2, [*messages, HumanMessage("and?", id="h2")])
    return [_bytes(each) for each in read[:3]], [_bytes(each) for each in messages]


def _bytes(message: AnyMessage) -> bytes:
    return ormsgpack.packb(message.model_dump())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_whatever_is_changed_in_place_is_stored_as_it_is_now(client: Any, change: Change) -> None:
    read, meant = await changed(client, change)
    assert read == meant


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_saver_that_knows_a_message_by_its_object_misses_all_of_these(
    client: Any, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "portrait", lambda each: Portrait([type(one) for one in each], [], b""))
    read, meant = await changed(client, change)
    assert read != meant


async def test_what_is_the_same_is_not_serialised_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    saver, messages, dumped = RedisSaver(client, ttl=timedelta(days=1)), talk(), []
    await put(saver, 1, messages)
    dump = saver.serde.dumps_typed
    monkeypatch.setattr(saver.serde, "dumps_typed", lambda value: dumped.append(type(value)) or dump(value))
    await put(saver, 2, [*messages, HumanMessage("and?", id="h2")])
    assert dumped.count(HumanMessage) == 1
    assert AIMessage not in dumped


def test_there_is_no_portrait_of_what_it_could_not_tell_apart() -> None:
    class Own(HumanMessage):
        """Whose fields may be dumped in any way."""

    pair = AIMessage("x", response_metadata={"x": (1,)})
    for each in (Own(content="x"), HumanMessage("x", more=1), HumanMessage(["x"]), pair):
        assert portrait([HumanMessage("x"), each]) is None
    for count in (1, 15, 16, 65_535, 65_536):
        long, longer = (portrait([HumanMessage("x")] * each) or Portrait([], [], b"") for each in (count, count + 1))
        assert longer.continues(long)
        assert not long.continues(longer)
