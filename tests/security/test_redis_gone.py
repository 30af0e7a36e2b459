"""Without Redis nothing is acknowledged: 503 in time for a repetition, no memory spent, and all is taken afterwards."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.cancelling import answer_within
from demo.slack import LocalWorkspace
from tests.fakes.processes import end
from tests.fakes.running_bot import ALERTS_TOKEN
from tests.fakes.running_web import SIGNING_SECRET, RunningWeb, running_web
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until
from tests.security.slack_door import an_event_body, signed

AT_ONCE = 50
SLACK_WAITS = 3  # seconds
TRIES = 3  # a moment in which the machine was busy with other things says nothing of the product


class Outage:
    """A web role and its Redis, which is taken away and given back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis: subprocess.Popen[bytes]
        self.redis, self.url = start_redis(folder / "redis", "valkey")
        self.web: RunningWeb
        self.sent = 0

    def kill(self) -> None:
        end(self.redis, signal.SIGKILL)

    def freeze(self) -> None:
        self.redis.send_signal(signal.SIGSTOP)

    def give_back(self) -> None:
        if self.redis.poll() is None:
            self.redis.send_signal(signal.SIGCONT)
        else:
            self.redis, _ = start_redis(self.folder / "redis", "valkey")

    async def knock(self, times: int) -> list[tuple[int, float]]:
        """Send so many events and as many alerts, all new and at once; returns status and seconds of each."""
        limits = httpx.Limits(max_connections=None)
        url = f"http://127.0.0.1:{self.web.port}"
        async with httpx.AsyncClient(base_url=url, timeout=20, limits=limits, trust_env=False) as client:
            return await asyncio.gather(*(self._one(client, n) for n in range(2 * times)))

    async def _one(self, client: httpx.AsyncClient, number: int) -> tuple[int, float]:
        self.sent += 1
        event = an_event_body(event_id=f"Ev{self.sent}")
        alert = json.dumps({"name": "x", "service": f"s{self.sent}"}).encode()
        path, body = ("/webhooks/generic", alert) if number % 2 else ("/slack/events", event)
        at = str(int(time.time()))
        headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"} if number % 2 else signed(event, at, SIGNING_SECRET)
        begun = time.monotonic()
        answer = await client.post(path, content=body, headers=headers)
        return answer.status_code, time.monotonic() - begun

    async def refuses_in_time(self) -> bool:
        """Return whether Slack would hear all refusals of one try; AssertionError if anything is not refused."""
        for _ in range(TRIES):
            answers = await self.knock(AT_ONCE)
            assert {status for status, _ in answers} == {503}
            if max(seconds for _, seconds in answers) < SLACK_WAITS:
                return True
        return False

    async def readiness(self) -> tuple[int, dict[str, dict[str, float]]]:
        """Return the status of /readyz and what it says of the queue, asked for at most 3 s."""
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{self.web.port}/readyz")
        return answer.status_code, answer.json()["queue"]

    async def taken(self) -> int:
        """Return how many events Redis holds."""
        async with Redis.from_url(self.url) as client:
            return await client.xlen(keys.SLACK) + await client.xlen(keys.WORK)


@asynccontextmanager
async def outage(folder: Path, program: tuple[str, ...] = ("-m", "bot")) -> AsyncIterator[Outage]:
    folder.mkdir(parents=True, exist_ok=True)
    scene = Outage(folder)
    try:
        async with (
            LocalWorkspace(port=0) as workspace,
            running_web(scene.url, workspace.url, folder / "web", program) as web,
        ):
            scene.web = web
            yield scene
    finally:
        end(scene.redis, signal.SIGKILL)


async def is_refused_in_time(scene: Outage, take_away: Callable[[Outage], None]) -> None:
    """AssertionError unless everything is answered 503 within three seconds, for little memory, and taken again."""
    assert {status for status, _ in await scene.knock(AT_ONCE)} == {200}
    before = scene.web.memory()
    take_away(scene)
    try:
        assert await scene.refuses_in_time()
        assert scene.web.memory() - before < 20
        assert await scene.readiness() == (503, {})
    finally:
        scene.give_back()

    async def back() -> bool:
        return {status for status, _ in await scene.knock(1)} == {200}

    await wait_until(back, 10)
    # A write that was given up may still have been read: what is repeated then is taken once all the same.
    assert await scene.taken() >= 2 * AT_ONCE + 2
    _, backlog = await scene.readiness()
    assert sum(lag["waiting"] for lag in backlog.values()) == await scene.taken()
    assert all(0 < lag["oldest_seconds"] < 60 for lag in backlog.values() if lag["waiting"])


@pytest.mark.parametrize("take_away", [Outage.kill, Outage.freeze])
async def test_without_redis_nothing_is_acknowledged(tmp_path: Path, take_away: Callable[[Outage], None]) -> None:
    async with outage(tmp_path) as scene:
        await is_refused_in_time(scene, take_away)


PATIENT = """
import sys
from bot import intake
from bot.adapters.redis import pressure, queue, wire
from bot.bootstrap import web
from bot.web import webhooks
intake._PATIENCE = queue._PUT_WITHIN = pressure._LOOK_WITHIN = wire._OPEN_WITHIN = webhooks._PATIENCE = 3.2
web._ANSWER_WITHIN = 3.2
from bot.__main__ import main
sys.exit(main())
"""
HASTY = """
import sys
from bot.adapters.redis.queue import RedisQueue
from core.errors import TransientError
put = RedisQueue.put
async def hasty(self, event, signature=""):
    try:
        return await put(self, event, signature)
    except TransientError:
        return True
RedisQueue.put = hasty
from bot.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("broken", [PATIENT, HASTY], ids=["waits too long", "acknowledges what is not written"])
async def test_a_web_role_that_errs_without_redis_would_be_caught(tmp_path: Path, broken: str) -> None:
    async with outage(tmp_path, ("-c", broken)) as scene:
        with pytest.raises(AssertionError):
            await is_refused_in_time(scene, Outage.freeze if broken == PATIENT else Outage.kill)


async def deaf(seconds: float) -> None:
    """Go on after having been cancelled once, as a client of Redis may."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.sleep(seconds)


async def test_work_that_does_not_hear_its_end_is_not_waited_for() -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        await answer_within(0.05, deaf(4))
    assert time.monotonic() - begun < 3


async def test_a_plain_timeout_would_wait_for_it() -> None:
    begun = time.monotonic()
    async with asyncio.timeout(0.05):
        await deaf(0.5)
    assert time.monotonic() - begun > 0.4
