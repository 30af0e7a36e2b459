"""A Redis that is restarted while somebody presses a button: the click is taken, once, and nobody reads an error."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot import intake
from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.wire import Wire
from bot.intake import Intake, build_intake
from core.errors import QueueFullError, TransientError
from core.event import Event
from tests.fakes.clock import FakeClock
from tests.fakes.processes import end
from tests.fakes.queue import InMemoryQueue
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until

IDENTITY = AuthorizeResult(enterprise_id=None, team_id="T0", bot_user_id="U0BOT", bot_id="B0", bot_token="xoxb-none")


def click(number: str) -> dict[str, Any]:
    action = {"action_id": "approval.approve", "block_id": "b", "value": "apr_1", "action_ts": number}
    return {"type": "block_actions", "user": {"id": "U0ALICE"}, "trigger_id": number, "actions": [action]}


class Scene:
    """An edge over a Redis that is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes]
        self._child, url = start_redis(folder, "valkey")
        self.redis = connect(url, timeout=2)
        self.wire = Wire(self.redis)
        self.edge: Intake = build_intake(
            RedisQueue(self.redis, wire=self.wire), FakeClock(), IDENTITY, AsyncWebClient(token="xoxb-none")
        )

    def kill(self) -> None:
        end(self._child, signal.SIGKILL)

    async def start(self) -> None:
        self._child, _ = await asyncio.to_thread(start_redis, self._folder, "valkey")

    async def close(self) -> None:
        await self.wire.close()
        await self.redis.aclose()
        self.kill()

    async def clicked_while_away(self, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
        """Press the button while Redis is away for a moment; returns the answer and how often the click was taken."""
        assert (await self.edge.take(click("1")))[0] == 200
        tries, put = 0, self.edge.queue.put

        async def counted(event: Event, signature: str = "") -> bool:
            nonlocal tries
            tries += 1
            return await put(event, signature)

        monkeypatch.setattr(self.edge.queue, "put", counted)
        self.kill()
        answering = asyncio.create_task(self.edge.take(click("2")))
        await wait_until(lambda: tries >= 2 or answering.done())
        await self.start()
        status, _ = await answering
        return status, int(await self.redis.xlen(keys.SLACK)) - 1


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path / "redis")
    yield scene
    await scene.close()


async def test_a_click_while_redis_is_restarted_is_taken_exactly_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than in truth, as this may run on a slow machine; how long it really is stands in the next but one.
    monkeypatch.setattr(intake, "_PATIENCE", 15.0)
    assert await scene.clicked_while_away(monkeypatch) == (200, 1)


async def test_without_another_try_whoever_clicked_reads_an_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_PATIENCE", 0.0)
    assert await scene.clicked_while_away(monkeypatch) == (503, 0)


async def test_an_outage_that_lasts_is_told_while_slack_still_listens(scene: Scene) -> None:
    scene.kill()
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await scene.edge.take(click("1")) == (503, "")
    assert intake._PATIENCE - 0.2 < loop.time() - began < 3


class LostAnswers:
    """A queue that takes the first event, and cannot say so."""

    def __init__(self, error: type[Exception]) -> None:
        self.inner, self._error, self.asked = InMemoryQueue(), error, 0

    async def put(self, event: Event, signature: str = "") -> bool:
        fresh = await self.inner.put(event, signature)
        self.asked += 1
        if self.asked == 1:
            raise self._error("redis: connection lost")
        return fresh

    async def put_many(self, events: Any) -> list[bool]:
        return [await self.put(event) for event in events]


def edge_over(queue: LostAnswers) -> Intake:
    return build_intake(queue, FakeClock(), IDENTITY, AsyncWebClient(token="xoxb-none"))


async def test_a_write_whose_answer_was_lost_is_not_repeated() -> None:
    queue = LostAnswers(TransientError)
    assert await edge_over(queue).take(click("1"), "v0=1") == (200, "")
    assert (queue.asked, len(queue.inner.waiting)) == (2, 1)


async def test_a_full_queue_is_not_asked_again() -> None:
    queue = LostAnswers(QueueFullError)
    assert await edge_over(queue).take(click("1"), "v0=1") == (503, "")
    assert queue.asked == 1
