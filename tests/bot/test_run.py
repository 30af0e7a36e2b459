"""`python -m bot run` for real: it gets ready, answers, survives the loss of a part, and leaves nothing behind."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bot.web.links import signed_link
from demo.slack import LocalWorkspace
from tests.fakes.processes import free_port
from tests.fakes.running_bot import ALERTS_TOKEN, RunningBot, all_gone, running_bot, settings_for
from tests.fakes.waiting import wait_until

FIRING = (Path(__file__).parents[1] / "payloads" / "alertmanager-firing.json").read_bytes()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(port=0) as workspace:
        yield workspace


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(workspace: LocalWorkspace, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningBot]:
    """One bot for all: whatever part of it a test has killed must be back for the next."""
    async with running_bot(workspace.url, tmp_path_factory.mktemp("bot"), LOG_LEVEL="DEBUG") as bot:
        yield bot
        family = bot.family()
        assert await asyncio.to_thread(bot.stop) == 0
        await wait_until(lambda: all_gone(family))


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _whole(bot: RunningBot) -> None:
    await wait_until(bot.ready, within=20)


async def ask(workspace: LocalWorkspace, text: str) -> str:
    async with httpx.AsyncClient(base_url=f"{workspace.url}/control") as control:
        answer = await control.post("/post", json={"as": "U0ALICE", "channel": "C0OPS", "text": text})
    return answer.json()["ts"]


async def replies(workspace: LocalWorkspace, ts: str) -> list[dict[str, str]]:
    async with httpx.AsyncClient(base_url=f"{workspace.url}/control") as control:
        answer = await control.get("/history", params={"as": "U0ALICE", "channel": "C0OPS", "thread_ts": ts})
    return [message for message in answer.json()["messages"] if message["ts"] != ts]


async def test_a_mention_is_answered_and_an_alert_becomes_a_card(workspace: LocalWorkspace, bot: RunningBot) -> None:
    ts = await ask(workspace, "@watchkeeper how is checkout?")

    async def answered() -> bool:
        return bool(await replies(workspace, ts))

    await wait_until(answered, within=15)
    answer = await bot.http.post(
        "/webhooks/alertmanager", content=FIRING, headers={"Authorization": f"Bearer {ALERTS_TOKEN}"}
    )
    assert answer.status_code == 200
    async with httpx.AsyncClient(base_url=f"{workspace.url}/control", timeout=20) as control:
        card = await control.get("/wait", params={"channel": "C0INCIDENTS", "contains": "InstanceDown", "timeout": 15})
    assert card.json()["ok"]
    assert "watchkeeper is ready" in bot.text()


async def test_a_killed_worker_is_replaced_and_goes_on_with_what_it_had(
    workspace: LocalWorkspace, bot: RunningBot
) -> None:
    worker = bot.role("worker")
    worker.suspend()
    ts = await ask(workspace, "@watchkeeper are you there?")
    worker.kill()

    async def answered() -> bool:
        return bool(await replies(workspace, ts))

    await wait_until(answered, within=20)
    assert bot.role("worker").pid != worker.pid


async def test_a_killed_redis_comes_back_with_what_was_acknowledged(workspace: LocalWorkspace, bot: RunningBot) -> None:
    worker, redis = bot.role("worker"), bot.role("redis")
    worker.suspend()
    headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}
    for number in range(5):
        body = json.dumps({"name": f"Alert{number}", "service": f"service{number}", "env": "prod"})
        assert (await bot.http.post("/webhooks/generic", content=body, headers=headers)).status_code == 200
    redis.kill()
    worker.resume()
    async with httpx.AsyncClient(base_url=f"{workspace.url}/control", timeout=20) as control:
        for number in range(5):
            asked = {"channel": "C0INCIDENTS", "contains": f"Alert{number}", "timeout": 15}
            assert (await control.get("/wait", params=asked)).json()["ok"]
    assert bot.role("redis").pid != redis.pid


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
async def test_nothing_is_left_behind_even_of_a_start(
    workspace: LocalWorkspace, tmp_path: Path, sign: signal.Signals
) -> None:
    async with httpx.AsyncClient() as http:
        bot = RunningBot(tmp_path, settings_for(workspace.url, tmp_path, free_port()), http)
        bot.launch()
        await wait_until(lambda: len(bot.family()) == 3)
        family = bot.family()
        assert await asyncio.to_thread(bot.stop, sign) == (0 if sign is signal.SIGTERM else -signal.SIGKILL)
        await wait_until(lambda: all_gone(family))


async def test_the_timeline_page_answers_to_whoever_holds_a_link(bot: RunningBot) -> None:
    secret = (Path(bot.environment["DATA_DIR"]) / "link-secret").read_text()
    for link, status in ((signed_link("", secret, "INC-404", datetime.now(UTC)), 404), ("/timeline/INC-404", 403)):
        assert (await bot.http.get(link)).status_code == status


async def test_the_log_holds_no_secret(workspace: LocalWorkspace, bot: RunningBot) -> None:
    await ask(workspace, "hello, everybody")
    await wait_until(lambda: "event_taken" in bot.text())
    for secret in ("xoxb-local-watchkeeper-bot", "xapp-local-watchkeeper-app", ALERTS_TOKEN):
        assert secret not in bot.text()


async def test_the_web_role_has_not_loaded_what_only_the_worker_needs() -> None:
    look = "import sys, bot.bootstrap.web; print(*sys.modules)"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", look, stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    loaded = {name.split(".")[0] for name in out.decode().split()}
    assert "slack_bolt" in loaded
    assert loaded.isdisjoint({"langgraph", "langchain", "langchain_core", "matplotlib", "numpy", "sqlalchemy"})
    assert "cryptography.hazmat" not in out.decode().split()
