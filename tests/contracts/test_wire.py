"""The short way to Redis: as many questions at once as one likes, each answered with its own, none left waiting."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError, ResponseError

from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.wire import Wire
from core.errors import TransientError
from tests.fakes.examples import an_event
from tests.fakes.processes import end
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until


@pytest.fixture
async def wire(redis: Redis) -> AsyncIterator[Wire]:
    wire = Wire(redis)
    yield wire
    await wire.close()


async def test_a_thousand_questions_at_once_get_their_own_answers_over_one_connection(wire: Wire, redis: Redis) -> None:
    answers = await asyncio.gather(*(wire.ask("ECHO", f"{n}") for n in range(1000)))
    assert answers == [f"{n}".encode() for n in range(1000)]
    assert int((await redis.info("clients"))["connected_clients"]) <= 3


async def test_a_refusal_is_raised_as_what_it_is_and_keeps_nobody_else_from_an_answer(wire: Wire) -> None:
    asked = [wire.ask("EVALSHA", "0" * 40, 0), wire.ask("NONSENSE"), wire.ask("PING")]
    no_script, unknown, pong = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(no_script, NoScriptError)
    assert isinstance(unknown, ResponseError)
    assert pong == b"PONG"


async def test_who_gives_up_gets_nobody_elses_answer(wire: Wire) -> None:
    waiting = asyncio.create_task(wire.ask("BLPOP", "nothing", 30))
    behind = asyncio.create_task(wire.ask("ECHO", "behind"))
    await wait_until(lambda: wire._line is not None and len(wire._line._waiting) == 2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(LostError):
        await behind
    assert await wire.ask("ECHO", "after") == b"after"


@pytest.fixture
async def short(redis: Redis, wire: Wire) -> RedisQueue:
    return RedisQueue(redis, wire=wire)


async def test_a_queue_over_it_takes_what_the_other_way_takes(short: RedisQueue, redis: Redis) -> None:
    event, odd = an_event(), an_event(id="\ud83d nul \0", body={"text": "\ud83d"})
    assert await short.put_many([event, odd, event]) == [True, True, False]
    assert await RedisQueue(redis).put_many([event, odd]) == [False, False]


async def test_it_comes_back_with_its_server(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = connect(url, timeout=2)
    wire = Wire(client)
    queue = RedisQueue(client, wire=wire)
    try:
        assert await queue.put(an_event())
        child.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(2.9):
            answers = await asyncio.gather(*(queue.put(an_event()) for _ in range(50)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {TransientError}
        child.send_signal(signal.SIGCONT)
        assert await queue.put(an_event())
        end(child, signal.SIGKILL)
        with pytest.raises(TransientError):
            await queue.put(an_event())
        child, _ = start_redis(tmp_path / "redis", "valkey")
        assert await queue.put(an_event())
    finally:
        await wire.close()
        await client.aclose()
        end(child)


@pytest.mark.parametrize("leaves", [True, False], ids=["wire", "twin"])
async def test_it_leaves_a_server_that_is_no_primary_any_more(
    tmp_path: Path, leaves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not leaves:
        monkeypatch.setattr("bot.adapters.redis.wire._MOVED", "")
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = connect(url, timeout=2)
    wire = Wire(client)
    try:
        first = await wire.ask("CLIENT", "ID")
        assert await wire.ask("CLIENT", "ID") == first
        await client.replicaof("127.0.0.1", "1")
        with pytest.raises(ResponseError, match="READONLY"):
            await wire.ask("SET", "key", "value")
        await client.replicaof("NO", "ONE")
        assert await wire.ask("SET", "key", "value") == b"OK"
        assert (await wire.ask("CLIENT", "ID") != first) is leaves
    finally:
        await wire.close()
        await client.aclose()
        end(child)
