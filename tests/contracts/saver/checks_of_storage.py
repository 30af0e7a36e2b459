"""What is kept: whole, in order, for as long as it should, for nobody else, and never nothing instead of an outage.

Each check takes a way to open a saver and an empty place, and raises AssertionError for a saver that fails it."""

import enum
import math
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from langgraph.checkpoint.base import empty_checkpoint, writes_sort_key
from langgraph.checkpoint.serde.encrypted import EncryptedSerializer
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from tests.contracts.saver.graphs import asking, config, counting, nested
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import TTL, TTL_INTERRUPTED, Aes, Opener

AWKWARD = ("T1:C1:1699.0001", "x:y::z", "st*r", "{t}", "}{", "a b\n", "ünï·cødé", "100%25", "[a-z]?", "")


class Colour(enum.Enum):
    """A value that is no plain string."""

    RED = "red"


@dataclass(frozen=True)
class Moment:
    """A value within a value."""

    at: datetime


async def an_outage_is_no_empty_thread(opener: Opener, ground: Ground) -> None:
    """Who reads while the server is down is told so, by the saver and by a graph; `ground` is killed."""
    async with opener(ground) as saver:
        graph = counting(saver)
        await graph.ainvoke({"count": 0}, config(), durability="sync")
        await ground.kill()
        await _must_raise(saver.aget_tuple(config()))
        await _must_raise(graph.aget_state(config()))
        await _must_raise(_listed(saver))


async def _must_raise(read: Awaitable[Any]) -> None:
    try:
        found = await read
    except Exception:  # noqa: BLE001
        return
    raise AssertionError(f"an outage reads as {found!r}")


async def _listed(saver: Any) -> list[Any]:
    return [each async for each in saver.alist(config())]


async def pending_writes_come_in_their_order(opener: Opener, ground: Ground) -> None:
    """Writes are read by path, task and index, however they arrived."""
    calls = [("~__pregel_pull, b", "task1"), ("~__pregel_pull, a", "task3"), ("~__pregel_pull, a", "task2"), ("", "z")]
    async with opener(ground) as saver:
        place = await saver.aput(config(), empty_checkpoint(), {}, {})
        for path, task in calls:
            await saver.aput_writes(place, [("said", f"{path}{task}{number}") for number in range(12)], task, path)
        found = await saver.aget_tuple(config())
    expected = sorted((writes_sort_key(path, task, number) for path, task in calls for number in range(12)))
    assert found is not None
    read = [value for _, _, value in found.pending_writes or ()]
    assert read == [f"{path}{task}{number}" for path, task, number in expected], f"read as {read}"


async def the_roots_history_is_the_roots(opener: Opener, ground: Ground) -> None:
    """The history of a graph does not show the steps of graphs within it."""
    async with opener(ground) as saver:
        await nested(saver, []).ainvoke({}, config(), durability="sync")
        root = [each async for each in saver.alist(config())]
    namespaces = {each.config["configurable"]["checkpoint_ns"] for each in root}
    assert namespaces == {""}, f"listed {namespaces}"
    assert [each.metadata["step"] for each in root] == [1, 0, -1]


async def what_does_not_change_lives_on(opener: Opener, ground: Ground) -> None:
    """A value that is older than the time to live stays while its thread is used."""
    async with opener(ground) as saver:
        await counting(saver).ainvoke({"topic": "disk", "count": 0}, config(), durability="sync")
        for _ in range(3):
            await ground.age(TTL * 0.75)
            await counting(saver).ainvoke({}, config(), durability="sync")
    async with opener(ground) as saver:
        state = await counting(saver).aget_state(config())
    assert state.values == {"topic": "disk", "count": 4}, f"read as {state.values}"


async def a_question_outlives_what_nobody_waits_for(opener: Opener, ground: Ground) -> None:
    """A thread with an open question is kept longer than the others, and no longer than they once it is answered."""
    async with opener(ground) as saver:
        await asking(saver, ["restart"]).ainvoke({}, config("asks"), durability="sync")
        await counting(saver).ainvoke({"count": 0}, config("ends"), durability="sync")
        await ground.age((TTL + TTL_INTERRUPTED) / 2)
        assert (await counting(saver).aget_state(config("ends"))).values == {}
        state = await asking(saver, ["restart"]).aget_state(config("asks"))
        assert len(state.interrupts) == 1, "the question is gone"
    assert max((await ground.left()).values()) <= TTL_INTERRUPTED.total_seconds() * 1000


async def everything_runs_out(opener: Opener, ground: Ground) -> None:
    """No key stays for ever."""
    async with opener(ground) as saver:
        await asking(saver, ["restart"]).ainvoke({}, config("asks"), durability="sync")
        await nested(saver, []).ainvoke({}, config("nests"), durability="sync")
        await saver.aput_writes(config("early", checkpoint_id="1"), [("said", "")], "task")
    left = await ground.left()
    assert left
    lasting = sorted(key for key, milliseconds in left.items() if milliseconds < 0)
    assert lasting == [], f"kept for ever: {lasting}"


async def deleting_leaves_nothing_of_an_awkward_id(opener: Opener, ground: Ground) -> None:
    """Whatever a thread is called, nothing of it is left."""
    async with opener(ground) as saver:
        await nested(saver, []).ainvoke({}, config("another"), durability="sync")
        others = set(await ground.left())
        for name in AWKWARD:
            await nested(saver, []).ainvoke({}, config(name), durability="sync")
            assert set(await ground.left()) > others
            await saver.adelete_thread(name)
            left = sorted(set(await ground.left()) - others)
            assert left == [], f"left of {name!r}: {left}"


async def deleting_leaves_the_others(opener: Opener, ground: Ground) -> None:
    """No other thread goes with a deleted one, whatever both are called."""
    neighbours = {"st*r": "stxr", "a": "a:b", "[ab]": "b", "t?": "t1", "x:": "x", "{t}": "t"}
    async with opener(ground) as saver:
        for name, neighbour in neighbours.items():
            for each in (name, neighbour):
                await counting(saver).ainvoke({"count": 0}, config(each), durability="sync")
            await saver.adelete_thread(name)
            state = await counting(saver).aget_state(config(neighbour))
            assert state.values == {"count": 1}, f"{neighbour} went with {name}"


async def an_encrypting_serializer_is_obeyed(opener: Opener, ground: Ground) -> None:
    """A serializer whose bytes are no text works, and what it hides is found in no value."""
    async with opener(ground, serde=EncryptedSerializer(Aes())) as saver:
        try:
            await counting(saver).ainvoke({"topic": "the secret " * 9, "count": 0}, config(), durability="sync")
            state = await counting(saver).aget_state(config())
        except ValueError as error:
            raise AssertionError(f"encrypted bytes: {error!r}") from error
    assert state.values == {"topic": "the secret " * 9, "count": 1}
    assert b"the secret" not in await ground.text()


async def nothing_encrypted_serves_another_thread(opener: Opener, ground: Ground) -> None:
    """What was encrypted for one thread is refused in another's place, never read and never taken for nothing.

    A saver that has no encryption of its own gets LangGraph's."""
    async with opener(ground, serde=EncryptedSerializer(Aes())) as saver:
        await counting(saver).ainvoke({"topic": "the secret " * 9, "count": 0}, config("alpha"), durability="sync")
        assert b"the secret" not in await ground.text()
        await ground.move("alpha", "omega")
        try:
            found = await saver.aget_tuple(config("omega"))
        except Exception:  # noqa: BLE001
            return
    raise AssertionError(f"another thread reads {found and found.checkpoint['channel_values']}")


async def values_come_back_as_they_were(opener: Opener, ground: Ground) -> None:
    """Values keep their types."""
    topic = {
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "enum": Colour.RED,
        "dataclass": Moment(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        "decimal": Decimal("1.10"),
        "uuid": UUID(int=7),
        "infinite": [math.inf, -math.inf],
        "keys": {1: "one", 2: "two"},
        "span": timedelta(days=1, microseconds=1),
        "large": 2**63,
        "none": None,
        "text": "\x00 \U0001f525 e\u0301",
    }
    serde = JsonPlusSerializer(allowed_msgpack_modules=[(__name__, "Colour"), (__name__, "Moment")])
    async with opener(ground, serde=serde) as saver:
        await counting(saver).ainvoke({"topic": topic, "count": 0}, config(), durability="sync")
    async with opener(ground, serde=serde) as saver:
        read = (await counting(saver).aget_state(config())).values.get("topic")
    assert isinstance(read, dict)
    for name, value in topic.items():
        same = read[name] == value and type(read[name]) is type(value)
        assert same, f"{name}: {value!r} read as {read[name]!r}"
