"""The web role alone in Slack's HTTP mode, as `python -m bot run --role web`, over a Redis that the test keeps."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.fakes.processes import end, free_port, start
from tests.fakes.running_bot import settings_for
from tests.fakes.waiting import wait_until

SIGNING_SECRET = "signing-for-tests"


@dataclass
class RunningWeb:
    """One web process; `port` on 127.0.0.1 is its own."""

    port: int
    child: subprocess.Popen[bytes]

    @property
    def process(self) -> psutil.Process:
        """Return the child as the system sees it."""
        return psutil.Process(self.child.pid)

    def memory(self) -> float:
        """Return its resident memory in MB."""
        return self.process.memory_info().rss / 1e6


@asynccontextmanager
async def running_web(
    redis_url: str, slack_url: str, folder: Path, program: Sequence[str] = ("-m", "bot"), **changes: str
) -> AsyncIterator[RunningWeb]:
    """Yield it once Slack and the queue are in reach; `program` is what Python runs in place of the bot itself."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    http = {"SLACK_MODE": "http", "SLACK_SIGNING_SECRET": SIGNING_SECRET, "REDIS_URL": redis_url}
    given = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
    settings = given | settings_for(slack_url, folder, port) | http | changes
    command = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), sys.executable, *program]
    child = start([*command, "--env-file", os.devnull, "run", "--role", "web"], log := folder / "web.log")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:

            async def reached() -> bool:
                assert child.poll() is None, log.read_text()
                try:
                    checks = (await client.get("/readyz")).json()["checks"]
                except httpx.TransportError:
                    return False
                return checks["slack"] and checks["queue"]

            await wait_until(reached, 20)
        yield RunningWeb(port, child)
    finally:
        end(child)
