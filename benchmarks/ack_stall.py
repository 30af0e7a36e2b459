"""The whole bot over a model whose answers can be held back, for benchmarks.ack."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from aiohttp import web

from bot.ingress.verifier import sign
from demo.slack import LocalWorkspace
from tests.fakes.openai_server import OpenAIServer, conclude
from tests.fakes.running_bot import RunningBot, running_bot
from tests.fakes.running_web import SIGNING_SECRET
from tests.fakes.waiting import wait_until

QUESTIONS, AT_ONCE = 8, 5  # the worker investigates five at a time


class GatedModel(OpenAIServer):
    """Answers every call at once while the gate is open, and none while it is shut."""

    def __init__(self) -> None:
        super().__init__([conclude()])
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        self.waiting += 1
        try:
            await self.gate.wait()
            return await super().answer(request)
        finally:
            self.waiting -= 1


@dataclass(frozen=True)
class Stalling:
    """A bot that runs, its workspace and its model."""

    bot: RunningBot
    slack: httpx.AsyncClient
    model: GatedModel
    port: int

    def pin(self, web_side: set[int], rest: set[int]) -> None:
        """Give the web process its own cores."""
        for child in self.bot.family():
            child.cpu_affinity(list(rest))
        self.bot.role("web").cpu_affinity(list(web_side))

    @asynccontextmanager
    async def hanging(self) -> AsyncIterator[Callable[[], int]]:
        """Hold the model's answers back while the block runs, with the worker busy asking; yields how many wait."""
        self.model.gate.clear()
        try:
            for number in range(QUESTIONS):
                await self._ask(number)
            await wait_until(lambda: self.model.waiting == AT_ONCE, 20)
            yield lambda: self.model.waiting
        finally:
            self.model.gate.set()
            await wait_until(self._idle, 60)

    async def _idle(self) -> bool:
        behind = (await self.bot.http.get("/readyz")).json()["queue"]
        return not any(lag["waiting"] + lag["pending"] for lag in behind.values())

    async def _ask(self, number: int) -> None:
        text = f"@watchkeeper how is checkout, asked for the {number}. time?"
        said = await self.slack.post("/post", json={"as": "U0ALICE", "channel": "C0OPS", "text": text})
        ts = said.json()["ts"]
        event = {"type": "app_mention", "user": "U0ALICE", "channel": "C0OPS", "ts": ts, "event_ts": ts, "text": text}
        body = {"type": "event_callback", "event_id": f"EvAsk{ts}", "team_id": "T0LOCAL", "event": event}
        asked = httpx.Request("POST", "http://bot", json=body).content
        stamp = str(int(time.time()))
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": sign(SIGNING_SECRET, stamp, asked)}
        headers["Content-Type"] = "application/json"
        answer = await self.bot.http.post("/slack/events", content=asked, headers=headers)
        assert answer.status_code == 200


@asynccontextmanager
async def stalling(folder: Path) -> AsyncIterator[Stalling]:
    """Yield a bot in Slack's HTTP mode that asks the gated model."""
    model, app = GatedModel(), web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", model.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        changes = {"OPENAI_BASE_URL": address, "OPENAI_MODEL": "gated", "OPENAI_API_KEY": "none-is-needed"}
        changes |= {"SLACK_MODE": "http", "SLACK_SIGNING_SECRET": SIGNING_SECRET, "MODEL_MAX_SECONDS": "600"}
        async with (
            LocalWorkspace(port=0) as workspace,
            httpx.AsyncClient(base_url=f"{workspace.url}/control", timeout=20) as slack,
            running_bot(workspace.url, folder, **changes) as bot,
        ):
            yield Stalling(bot, slack, model, int(bot.environment["WEB_PORT"]))
    finally:
        await runner.cleanup()
