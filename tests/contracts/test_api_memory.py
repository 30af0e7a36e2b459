"""The API's memory, fake and in Redis: a nonce is new once, a key stands for one request, an answer stays."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis.api_memory import RedisApiMemory
from bot.adapters.redis.connection import connect
from core.errors import TransientError
from tests.fakes.api_memory import InMemoryApiMemory
from tests.fakes.servers import *

Memory = RedisApiMemory | InMemoryApiMemory
NONCE = "0123456789abcdef"


@pytest.fixture(params=["fake", "redis"])
def memory(request: pytest.FixtureRequest, valkey: Redis) -> Memory:
    return InMemoryApiMemory() if request.param == "fake" else RedisApiMemory(valkey)


async def test_a_nonce_is_new_once_for_each_client(memory: Memory) -> None:
    found = await asyncio.gather(*(memory.is_first("a", NONCE) for _ in range(10)))
    assert sorted(found) == [False] * 9 + [True]
    assert await memory.is_first("b", NONCE)
    assert await memory.is_first("a", NONCE + ":b")


async def test_a_key_stands_for_one_digest(memory: Memory) -> None:
    assert await memory.is_same("api_1", "d1")
    assert await memory.is_same("api_1", "d1")
    assert not await memory.is_same("api_1", "d2")
    assert await memory.is_same("api_2", "d2")


async def test_the_first_answer_stands_and_is_not_waited_for_in_vain(memory: Memory) -> None:
    assert await memory.wait("api_1", 0.0) == ""
    await memory.give("api_1", "é1")
    await memory.give("api_1", "2")
    assert await memory.wait("api_1", 5.0) == "é1"
    assert not await memory.was_asked("apr_1")
    await memory.note_asked("apr_1")
    assert await memory.was_asked("apr_1")


async def test_whoever_waits_hears_the_answer_when_it_comes(valkey: Redis) -> None:
    memory = RedisApiMemory(valkey)
    waiting = asyncio.create_task(memory.wait("api_1", 10.0))
    await memory.give("api_1", "there")
    assert await waiting == "there"


async def test_all_of_it_is_forgotten_in_time(valkey: Redis) -> None:
    memory = RedisApiMemory(valkey)
    await memory.is_first("a", NONCE)
    await memory.is_same("api_1", "d1")
    await memory.note_asked("apr_1")
    await memory.give("api_1", "x")
    spans: list[Any] = [await valkey.ttl(key) for key in await valkey.keys()]
    assert len(spans) == 4
    assert all(0 < span <= 86_400 for span in spans)


async def test_a_memory_that_cannot_be_asked_says_so() -> None:
    nobody = connect("redis://127.0.0.1:1/0", timeout=0.2)
    with pytest.raises(TransientError):
        await RedisApiMemory(nobody).is_first("a", NONCE)
    await nobody.aclose()
