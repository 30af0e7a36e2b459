"""Whatever is stored in whatever order, the saver answers as LangGraph's own in memory does."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver

from bot.adapters.redis.checkpointer import RedisSaver
from tests.contracts.saver.graphs import config
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import DAY

THREADS = ["t", "t:1", "{t}", "t*", "\ud800", ""]
NAMESPACES = ["", "a", "a|b", "a:1", "a\0", "a\1b", "ä"]
CHANNELS = ["said", "__start__", "a\0b", "a\1", "branch:to:x", "list", ""]
TASKS = [("", "1"), ("~__pregel_pull, a", "2"), ("~__pregel_push, 10", "3"), ("\0", "4"), ("\1", "5"), ("ü", "\0")]
WRITES = ["said", "__error__", "__interrupt__", "__resume__", "__scheduled__", "list", "a\0b"]
OPERATIONS = 60


@pytest.fixture
async def saver(any_ground: Ground) -> AsyncIterator[RedisSaver]:
    """Yield the saver over an empty server."""
    async with any_ground.client() as client:
        yield RedisSaver(client, ttl=DAY, encryption_key=b"k" * 32)


class History:
    """Does the same at random to two savers."""

    def __init__(self, seed: int, savers: tuple[Any, Any]) -> None:
        self.chance = random.Random(seed)
        self.savers = savers
        self.places: list[Any] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.number = 0

    async def run(self) -> None:
        """Do a number of things."""
        for _ in range(OPERATIONS):
            [step] = self.chance.choices([self.put, self.write, self.compare, self.delete], [8, 6, 4, 0.3])
            await step()

    def value(self) -> Any:
        """Return something to store."""
        words = [self.chance.choice("abcdef") * self.chance.choice([1, 200]) for _ in range(self.chance.randrange(5))]
        return self.chance.choice([words, {"in": words}, len(words), "".join(words), None, [words, words]])

    async def put(self) -> None:
        """Store a checkpoint: a child of one that is there, or a first one."""
        child = self.chance.random() < 0.8 and self.places
        where = self.chance.choice(self.places) if child else self._somewhere()
        state = dict(self.states.get(where["configurable"].get("checkpoint_id", ""), {}))
        self.number += 1
        changed = self.chance.sample(CHANNELS, self.chance.randrange(4))
        for channel in changed:
            state[channel] = (f"{self.number}", self.value())
        for channel in self.chance.sample(sorted(state), min(len(state), 1)):
            if self.chance.random() < 0.2:
                del state[channel]
        checkpoint: Any = {"v": 4, "id": f"{self.chance.randrange(10**6):06}-{self.number:06}", "ts": "now"}
        checkpoint |= {"versions_seen": {"node": {"said": "1"}}, "updated_channels": None}
        checkpoint["channel_versions"] = {channel: version for channel, (version, _) in state.items()}
        checkpoint["channel_values"] = {channel: value for channel, (_, value) in state.items()}
        new = {channel: state[channel][0] for channel in changed if channel in state}
        metadata: Any = {"source": self.chance.choice(["input", "loop"]), "step": self.number, "run_id": "r"}
        for saver in self.savers:
            place = await saver.aput(where, checkpoint, metadata, new)
        self.states[checkpoint["id"]] = state
        self.places.append(place)

    async def write(self) -> None:
        """Store what a task wrote."""
        if self.places:
            place, (path, task) = self.chance.choice(self.places), self.chance.choice(TASKS)
            writes = [(channel, self.value()) for channel in self.chance.sample(WRITES, self.chance.randrange(1, 4))]
            for saver in self.savers:
                await saver.aput_writes(place, writes, task, path)

    async def delete(self) -> None:
        """Delete a thread."""
        gone = self.chance.choice(THREADS)
        for saver in self.savers:
            await saver.adelete_thread(gone)
        self.places = [place for place in self.places if place["configurable"]["thread_id"] != gone]

    async def compare(self) -> None:
        """Ask both the same, and be told the same."""
        asked = self.chance.choice([*self.places, self._somewhere()])
        assert await told(self.savers[0], asked) == await told(self.savers[1], asked)
        thread, namespace = (asked["configurable"][name] for name in ("thread_id", "checkpoint_ns"))
        more: dict[str, Any] = {"limit": self.chance.choice([None, 0, 1, 3, 9])}
        if self.chance.random() < 0.5:
            more["filter"] = {"source": "loop"}
        if self.chance.random() < 0.5 and "checkpoint_id" in asked["configurable"]:
            more["before"] = asked
        of = config(thread, checkpoint_ns=namespace)
        ours, theirs = [[each async for each in saver.alist(of, **more)] for saver in self.savers]
        assert list(map(plain, ours)) == list(map(plain, theirs))
        whole = {"configurable": {"thread_id": thread}}
        ours, theirs = [[each async for each in saver.alist(whole)] for saver in self.savers]
        assert sorted(map(repr, map(plain, ours))) == sorted(map(repr, map(plain, theirs)))

    def _somewhere(self) -> Any:
        return config(self.chance.choice(THREADS), checkpoint_ns=self.chance.choice(NAMESPACES))


def plain(found: CheckpointTuple) -> Any:
    """Return a checkpoint in a form that can be compared: the places are named alike, dicts have no order."""
    names = ("thread_id", "checkpoint_ns", "checkpoint_id")
    places = [
        [each["configurable"][name] for name in names] if each else None for each in (found.config, found.parent_config)
    ]
    values = sorted(found.checkpoint["channel_values"].items())
    return places, found.checkpoint | {"channel_values": values}, found.metadata, found.pending_writes


async def told(saver: Any, asked: Any) -> Any:
    """Return what a saver says of one checkpoint."""
    found = await saver.aget_tuple(asked)
    return found and plain(found)


@pytest.mark.parametrize("seed", range(12))
async def test_it_answers_as_the_one_in_memory(saver: RedisSaver, seed: int) -> None:
    history = History(seed, (saver, InMemorySaver()))
    await history.run()
    assert history.number > 10


class FirstWriteLast(RedisSaver):
    """Broken on purpose: gives pending writes the other way round."""

    async def aget_tuple(self, config: Any) -> CheckpointTuple | None:
        """Return the checkpoint."""
        found = await super().aget_tuple(config)
        return found and found._replace(pending_writes=(found.pending_writes or [])[::-1])


async def test_another_answer_is_caught(any_ground: Ground) -> None:
    async with any_ground.client() as client:
        history = History(1, (FirstWriteLast(client, ttl=DAY), InMemorySaver()))
        with pytest.raises(AssertionError):
            await history.run()
