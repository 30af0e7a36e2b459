"""What was signed is taken once: a replay changes nothing, while Slack's own repetition is never dropped."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from redis.asyncio import Redis
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import intake
from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from core.errors import TransientError
from core.event import Event
from core.ports import Inbox
from tests.fakes.clock import START, FakeClock
from tests.fakes.queue import InMemoryQueue
from tests.fakes.servers import *
from tests.security.slack_door import NOW, a_click_body, an_event_body, send, signed, site_of

EVENT, CLICK = an_event_body(), a_click_body()
RETRY = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}


def later(seconds: int) -> str:
    return str(int(START.timestamp()) + seconds)


@pytest.fixture
async def webs(any_redis_url: str, redis: Redis) -> AsyncIterator[list[RedisQueue]]:
    """Yield the queues of two web processes: connections of their own to one server."""
    other = connect(any_redis_url)
    yield [RedisQueue(redis), RedisQueue(other)]
    await other.aclose()


async def replayed(queues: Sequence[Inbox], body: bytes, times: int = 10) -> list[int]:
    """Send one signed request again and again, to each site in turn, at once; returns the answers."""
    sites = [site_of(queue) for queue in queues]
    return await asyncio.gather(*(send(sites[n % len(sites)], body, signed(body)) for n in range(times)))


@pytest.mark.parametrize("body", [EVENT, CLICK])
async def test_a_replay_is_answered_200_and_taken_once_by_two_processes(
    webs: list[RedisQueue], redis: Redis, body: bytes
) -> None:
    assert set(await replayed(webs, body)) == {200}
    assert await redis.xlen(keys.SLACK) == 1


@pytest.mark.parametrize("body", [EVENT, CLICK])
async def test_a_queue_without_memory_would_take_every_replay(
    webs: list[RedisQueue], redis: Redis, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def careless(self: RedisQueue, event: Event, signature: str = "") -> bool:
        return bool(await redis.xadd(keys.SLACK, {"event": event.model_dump_json()}))

    monkeypatch.setattr(RedisQueue, "put", careless)
    assert set(await replayed(webs, body)) == {200}
    assert await redis.xlen(keys.SLACK) == 10


async def read_differently(webs: list[RedisQueue], redis: Redis) -> int:
    """Replay a request whose event gets another id each time; returns how many were taken."""
    await replayed(webs, EVENT, 1)
    await redis.delete(keys.seen("Ev1"))
    await replayed(webs, EVENT, 4)
    return int(await redis.xlen(keys.SLACK))


async def test_a_signature_is_remembered_apart_from_what_was_read_under_it(
    webs: list[RedisQueue], redis: Redis
) -> None:
    assert await read_differently(webs, redis) == 1


async def test_ids_alone_would_not_remember_it(
    webs: list[RedisQueue], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = RedisQueue.put
    monkeypatch.setattr(RedisQueue, "put", lambda self, event, signature="": put(self, event))
    assert await read_differently(webs, redis) == 2


@pytest.mark.parametrize("after", [1, 60, 300])
async def test_a_repetition_of_slack_is_the_same_event(webs: list[RedisQueue], redis: Redis, after: int) -> None:
    clock = FakeClock()
    sites = [site_of(queue, clock=clock) for queue in webs]
    assert await send(sites[0], EVENT, signed(EVENT)) == 200
    clock.advance(seconds=after)
    assert await send(sites[1], EVENT, signed(EVENT, later(after)) | RETRY) == 200
    assert await redis.xlen(keys.SLACK) == 1


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the door give up at once."""
    monkeypatch.setattr(intake, "_PATIENCE", 0.0)


class Fainting:
    """A queue that does not answer until it is told to."""

    def __init__(self, early: bool = False) -> None:
        self.inner = InMemoryQueue()
        self._early, self.awake = early, False
        self._signatures: set[str] = set()

    async def put(self, event: Event, signature: str = "") -> bool:
        if self._early:  # the broken way: remembered before anything is written
            if signature in self._signatures:
                return False
            self._signatures.add(signature)
        if not self.awake:
            raise TransientError("redis: ConnectionError")
        return await self.inner.put(event, signature)

    async def put_many(self, events: Sequence[Event]) -> list[bool]:
        return [await self.put(event) for event in events]


async def delivered(queue: Fainting, door: ASGIApp, at: str = NOW) -> int:
    """Send once in vain and once more; returns how many events there are."""
    assert await send(door, EVENT, signed(EVENT)) == 503
    queue.awake = True
    assert await send(door, EVENT, signed(EVENT, at) | RETRY) == 200
    return len(queue.inner.waiting)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("at", [NOW, later(60)])
async def test_what_was_not_written_is_taken_when_it_comes_again(at: str) -> None:
    queue = Fainting()
    assert await delivered(queue, site_of(queue), at) == 1


@pytest.mark.usefixtures("hasty")
async def test_a_signature_remembered_too_early_would_lock_it_out() -> None:
    queue = Fainting(early=True)
    assert await delivered(queue, site_of(queue)) == 0


@pytest.mark.usefixtures("hasty")
async def test_a_door_that_drops_repetitions_would_lose_it() -> None:
    queue = Fainting()
    inner = site_of(queue)

    async def dropping(scope: Scope, receive: Receive, reply: Send) -> None:
        retried = any(name == b"x-slack-retry-num" for name, _ in scope["headers"])
        await (Response() if retried else inner)(scope, receive, reply)

    assert await delivered(queue, dropping) == 0


async def test_a_replay_after_five_minutes_is_no_longer_genuine() -> None:
    clock, queue = FakeClock(), InMemoryQueue()
    site = site_of(queue, clock=clock)
    assert await send(site, EVENT, signed(EVENT)) == 200
    clock.advance(seconds=301)
    assert await send(site, EVENT, signed(EVENT)) == 401
