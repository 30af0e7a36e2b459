"""The whole bot over a Redis that is told to forget while it runs: it says so everywhere, and takes it back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from demo.slack import LocalWorkspace
from tests.bot.stage import INCIDENTS, words
from tests.fakes.running_bot import ALERTS_TOKEN, RunningBot, running_bot
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
FIRING = (Path(__file__).parents[1] / "payloads" / "alertmanager-firing.json").read_bytes()


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[tuple[RunningBot, LocalWorkspace]]:
    async with LocalWorkspace(port=0) as workspace, running_bot(workspace.url, tmp_path) as bot:
        yield bot, workspace


async def test_a_redis_that_forgets_is_told_on_readyz_and_on_every_open_card_until_it_is_mended(
    bot: tuple[RunningBot, LocalWorkspace],
) -> None:
    running, workspace = bot
    sock = running.folder / "data" / "redis" / "redis.sock"
    async with httpx.AsyncClient(base_url=workspace.url) as slack, Redis(unix_socket_path=str(sock)) as redis:

        async def readyz() -> dict[str, Any]:
            return (await running.http.get("/readyz")).json()

        async def reads_only() -> bool:
            return "appendonly" in (await readyz())["reads_only"]

        async def card() -> str:
            query = {"as": "U0ALICE", "channel": INCIDENTS}
            return words((await slack.get("/control/history", params=query)).json()["messages"])

        async def banner() -> bool:
            return "Nothing will run at the moment" in await card()

        await running.http.post(
            "/webhooks/alertmanager", content=FIRING, headers={"Authorization": f"Bearer {ALERTS_TOKEN}"}
        )
        await wait_until(card, 20)
        assert (await readyz())["reads_only"] == ""
        await redis.config_set("appendonly", "no")
        await wait_until(reads_only, 45)
        assert (await readyz())["ready"]
        await wait_until(banner, 20)
        assert "self_check_failed" in running.text()
        await redis.config_set("appendonly", "yes")

        async def mended() -> bool:
            return not await reads_only() and not await banner()

        await wait_until(mended, 30)
        assert "self_check_passed" in running.text()
