"""Whoever can write into our Redis gets no code run and nothing done: it is refused, and a human is told."""

import json
import pickle
import random
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.serde.jsonplus import (
    EXT_CONSTRUCTOR_POS_ARGS,
    EXT_CONSTRUCTOR_SINGLE_ARG,
    EXT_METHOD_SINGLE_ARG,
    EXT_PYDANTIC_V2,
    JsonPlusSerializer,
)
from redis.asyncio import Redis

from bot.adapters.redis.checkpointer import RedisSaver
from bot.adapters.redis.checkpointer.cipher import PlainSeal
from bot.adapters.redis.checkpointer.layout import ThreadKeys
from core.approval import ApprovalRequest, ApprovalStatus
from core.errors import TransientError
from core.ids import remediation_thread_id
from graphs.runner import thread_config
from tests.fakes.servers import *
from tests.graphs.world import World, a_proposal, approval_of

LOOT = "loot_of_a_checkpoint"
DATA = ThreadKeys.of("watchkeeper:graph", remediation_thread_id("rem_1")).data
KEY = bytes(range(32))


class Bomb:
    """What unpickling would call."""

    def __reduce__(self) -> Any:
        return __import__, (LOOT,)


def extension(code: int, *parts: Any) -> bytes:
    return b"msgpack\0" + ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(list(parts))))


CRAFTED = {
    "constructor": extension(EXT_CONSTRUCTOR_SINGLE_ARG, LOOT, "Loot", "x"),
    "constructor of many": extension(EXT_CONSTRUCTOR_POS_ARGS, LOOT, "Loot", ["x"]),
    "method": extension(EXT_METHOD_SINGLE_ARG, LOOT, "Loot", "x", "grab"),
    "pydantic": extension(EXT_PYDANTIC_V2, LOOT, "Loot", {"x": 1}, "model_validate_json"),
    "pickle": b"pickle\0" + pickle.dumps(Bomb()),
    "json": b"json\0"
    + json.dumps({"lc": 2, "type": "constructor", "id": [LOOT, "Loot"], "args": ["x"], "kwargs": {}}).encode(),
}


@dataclass
class Vault:
    """A waiting, approved request in a Redis that somebody else writes to; `marker` shows that their module ran."""

    redis: Redis
    marker: Path
    saver: Any
    world: World

    async def row(self) -> ApprovalRequest:
        await self.world.runner().remediate(a_proposal())
        return await self.world.vote(approval_of())

    async def write(self, name: bytes, plain: bytes) -> None:
        await self.redis.hset(DATA, name, PlainSeal().close(plain, name))  # pyright: ignore

    async def values(self, kinds: bytes = b"b") -> list[bytes]:
        return sorted(name for name in await self.redis.hkeys(DATA) if name[:1] in (bytes([kind]) for kind in kinds))

    def ran_code(self) -> bool:
        return self.marker.exists() or LOOT in sys.modules

    async def status(self) -> ApprovalStatus:
        return (await self.world.approvals.load(approval_of())).status


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    file = tmp_path / "marker"
    grab = "class Loot:\n    def __init__(self, *a, **k): pass\n    @staticmethod\n    def grab(x): return x\n"
    (tmp_path / f"{LOOT}.py").write_text(f"open({str(file)!r}, 'w').close()\n{grab}")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield file  # pyright: ignore[reportReturnType]
    sys.modules.pop(LOOT, None)


def a_vault(redis: Redis, marker: Path, **saver: Any) -> Vault:
    made = RedisSaver(redis, ttl=timedelta(days=1), **saver)
    return Vault(redis, marker, made, World(saver=made))


@pytest.mark.parametrize("what", CRAFTED)
async def test_crafted_bytes_run_nothing_and_end_the_run_in_front_of_a_human(
    redis: Redis, marker: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    vault = a_vault(redis, marker)
    row = await vault.row()
    for name in await vault.values():
        await vault.write(name, CRAFTED[what])
    for _ in range(2):
        assert not await vault.world.runner().resume(row)
    assert not vault.ran_code()
    assert vault.world.toolbox.effects == []
    assert await vault.status() is ApprovalStatus.UNKNOWN
    assert vault.world.audit.kinds.count("NeedsHuman") == 1
    assert "tampered" in " ".join(vault.world.cards.said.values())
    assert "checkpoint_refused" in [record.message for record in caplog.records]


# Since 1.x the library itself refuses methods that are not on its list, however permissive it is told to be.
@pytest.mark.parametrize("what", sorted(CRAFTED.keys() - {"method"}))
async def test_a_permissive_serializer_is_caught_by_the_same_bytes(redis: Redis, marker: Path, what: str) -> None:
    serde = JsonPlusSerializer(pickle_fallback=True, allowed_json_modules=True, allowed_msgpack_modules=True)
    vault = a_vault(redis, marker, serde=serde)
    row = await vault.row()
    for name in await vault.values():
        await vault.write(name, CRAFTED[what])
    with suppress(Exception):  # what the graph makes of such a state does not matter: the module has run
        await vault.world.runner().resume(row)
    assert vault.ran_code()


async def test_with_a_key_not_even_well_formed_bytes_of_a_stranger_are_taken(redis: Redis, marker: Path) -> None:
    vault = a_vault(redis, marker, encryption_key=KEY)
    row = await vault.row()
    for name in await vault.values():
        await vault.write(name, b"msgpack\0" + ormsgpack.packb("approved"))
    assert not await vault.world.runner().resume(row)
    assert (vault.world.toolbox.effects, await vault.status()) == ([], ApprovalStatus.UNKNOWN)


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
async def test_a_flipped_bit_is_refused_or_was_in_nothing_that_is_read(
    redis: Redis, marker: Path, key: bytes | None
) -> None:
    dice, refused = random.Random(20261122), 0
    for _ in range(12):
        await redis.flushall()
        vault = a_vault(redis, marker, encryption_key=key)
        row = await vault.row()
        fields = await vault.values(b"hblw#")
        name = dice.choice(fields)
        stored = bytearray(await redis.hget(DATA, name))  # pyright: ignore
        stored[dice.randrange(len(stored))] ^= 1 << dice.randrange(8)
        await redis.hset(DATA, name, bytes(stored))  # pyright: ignore
        try:
            told = await vault.world.runner().resume(row)
        except TransientError:
            told = False
        ran = len(vault.world.toolbox.effects)
        assert (told, ran, await vault.status()) in (
            (True, 1, ApprovalStatus.EXECUTED),
            (False, 0, ApprovalStatus.UNKNOWN),
        )
        refused += not told
    assert refused >= 1


async def test_a_saver_that_finds_no_flipped_bit_is_caught(redis: Redis, marker: Path) -> None:
    class Careless(PlainSeal):
        """Broken on purpose: takes whatever it finds."""

        def open(self, stored: bytes, name: bytes) -> bytes:
            return stored[5:]

    vault = a_vault(redis, marker)
    row = await vault.row()
    for name in await vault.values():
        stored: bytes = await redis.hget(DATA, name)  # pyright: ignore
        await redis.hset(DATA, name, stored.replace(b"memory", b"nemory"))  # pyright: ignore - the reason, one bit off
    assert not await vault.world.runner().resume(row)
    assert await vault.status() is ApprovalStatus.UNKNOWN
    vault.saver._seal = lambda thread: Careless()
    snapshot = await vault.world.runner()._remediation.aget_state(thread_config(row.thread_id, 99))
    assert snapshot.values["proposal"]["reason"] == "nemory"
