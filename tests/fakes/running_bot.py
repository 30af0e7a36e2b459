"""The bot as an operator runs it: `python -m bot run` as a child process over a folder of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import yaml

from tests.fakes.processes import end, free_port, start
from tests.fakes.waiting import wait_until

ALERTS_TOKEN = "alerts-for-tests"
ROOT = Path(__file__).parents[2]


@dataclass
class RunningBot:
    """One supervisor with its children; `http` speaks to its web side."""

    folder: Path
    environment: dict[str, str]
    http: httpx.AsyncClient
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "bot.log"

    def launch(self) -> None:
        """Start it."""
        given = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
        variables = [f"{name}={value}" for name, value in (given | self.environment).items()]
        command = ["env", "-i", *variables, sys.executable, "-m", "bot", "--env-file", os.devnull, "run"]
        self.process = start(command, self.log)

    async def start(self, within: float = 25.0) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        await wait_until(self.ready, within)

    async def ready(self) -> bool:
        """True when Slack is connected and a worker is alive."""
        assert self.process is not None
        assert self.process.poll() is None, self.text()
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def role(self, name: str) -> psutil.Process:
        """Return the process of `web`, `worker` or `redis`."""
        word = "valkey-server" if name == "redis" else name
        return next(child for child in self.family() if word in " ".join(child.cmdline()))

    def family(self) -> list[psutil.Process]:
        """Return all children that are alive."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if child.status() != psutil.STATUS_ZOMBIE]

    def text(self) -> str:
        """Return everything it has printed and logged."""
        return self.log.read_text()

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """End it; returns the exit status."""
        assert self.process is not None
        end(self.process, sign)
        return self.process.returncode


@asynccontextmanager
async def running_bot(slack_url: str, folder: Path, **changes: str) -> AsyncIterator[RunningBot]:
    """Yield a bot that is ready, and end it whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as http:
        bot = RunningBot(folder, settings_for(slack_url, folder, port) | changes, http)
        try:
            await bot.start()
            yield bot
        finally:
            if bot.process is not None:
                await asyncio.to_thread(bot.stop)


def settings_for(slack_url: str, folder: Path, port: int) -> dict[str, str]:
    """Return the environment of a bot with its data, services and policy in `folder`."""
    services = {"services": [{"name": "checkout", "env": "prod", "url": f"http://127.0.0.1:{free_port()}"}]}
    (folder / "services.yaml").write_text(yaml.safe_dump(services))
    return {
        "SLACK_BOT_TOKEN": "xoxb-local-watchkeeper-bot",
        "SLACK_APP_TOKEN": "xapp-local-watchkeeper-app",
        "SLACK_API_URL": f"{slack_url}/api/",
        "DATA_DIR": str(folder / "data"),
        "SERVICES_FILE": str(folder / "services.yaml"),
        "POLICY_FILE": str(ROOT / "policy.yaml"),
        "RUNBOOKS_DIR": str(ROOT / "runbooks"),
        "WEB_PORT": str(port),
        "ALERTS_TOKEN": ALERTS_TOKEN,
    }


def all_gone(processes: list[psutil.Process]) -> bool:
    """True when none of them is left, but for those that nobody has collected yet."""
    return all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in _known(processes))


def _known(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    for each in processes:
        try:
            each.status()
        except psutil.NoSuchProcess:
            continue
        yield each
