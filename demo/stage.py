"""Brings the whole play up and down: the workspace, the patient and, as a child process, the bot."""

import asyncio
import ctypes
import os
import secrets
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo.guide import Guide
from demo.shop import Shop, build_panel_app
from demo.slack import LocalWorkspace

ROOT = Path(__file__).resolve().parents[1]
_PR_SET_PDEATHSIG = 1
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE")
_MODEL = ("OPENAI_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")

Say = Callable[[str], None]


class StageError(RuntimeError):
    """A part of the demo did not come up; the message says which and where its log is."""


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the demo dies, however it dies (Linux; elsewhere Ctrl-C is the only way out)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Bot:
    """The bot as an operator would run it: `python -m bot run`, its log in a file."""

    environment: Mapping[str, str]
    log: Path
    settings: Path | None = None
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The bot's own web address."""
        return f"http://127.0.0.1:{self.environment['WEB_PORT']}"

    def command(self, verb: str) -> str:
        """Return what to type in another terminal, in the repository's folder, for a verb about this very bot."""
        python = os.path.relpath(sys.executable, ROOT)
        return shlex.join([python, "-m", "bot", "--env-file", str(self.settings), *verb.split()])

    async def start(self, *, within: float = 60.0) -> None:
        """Start it and wait until it says that it is ready; StageError after `within` seconds or when it ends."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "--env-file",
                os.devnull,  # an operator's own .env must not show through
                "run",
                cwd=ROOT,
                env=dict(self.environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        async with asyncio.timeout(within), httpx.AsyncClient() as http:
            while not await self._ready(http):
                if self.process.returncode is not None:
                    raise StageError(f"the bot ended at once; its last words:\n{self.last_words()}")
                await asyncio.sleep(0.1)

    async def _ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def ended(self) -> int:
        """Return its exit status once it has ended."""
        assert self.process is not None
        return await self.process.wait()

    def last_words(self, lines: int = 15) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def stop(self, *, grace: float = 10.0) -> None:
        """Ask it to end, and insist after `grace` seconds."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), grace)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def kill(self) -> None:
        """End it as a power cut would: the supervisor dies and its children with it."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()


@dataclass(frozen=True)
class Stage:
    """Everything that runs, with its addresses."""

    workspace: LocalWorkspace
    shop: Shop
    bot: Bot
    folder: Path

    @property
    def url(self) -> str:
        """The page."""
        return self.workspace.url


def bot_environment(workspace: LocalWorkspace, shop_values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the settings that an operator would write into `.env`, for this stage."""
    passed = {name: os.environ[name] for name in (*_PASSED_ON, *_MODEL) if name in os.environ}
    return {
        **passed,
        "SLACK_BOT_TOKEN": "xoxb-local-watchkeeper-bot",
        "SLACK_APP_TOKEN": "xapp-local-watchkeeper-app",
        "SLACK_SIGNING_SECRET": "local-signing-secret-8c1f0a",
        "SLACK_API_URL": f"{workspace.url}/api/",
        "DATA_DIR": str(folder / "bot"),
        "POLICY_FILE": str(ROOT / "demo" / "policy.yaml"),
        "VERIFY_WITHIN_SECONDS": "60",
        "LOG_FORMAT": "json",
        **shop_values,
    }


def _env_file(environment: Mapping[str, str], path: Path) -> Path:
    """Write the bot's settings down, for whoever asks about it from another terminal, and for nobody else's eyes."""
    own = {name: value for name, value in environment.items() if name not in (*_PASSED_ON, *_MODEL)}
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}='{value}'\n" for name, value in own.items()), encoding="utf-8")
    return path


@asynccontextmanager
async def open_stage(*, port: int, say: Say, extra: Mapping[str, str] | None = None) -> AsyncIterator[Stage]:
    """Start all parts, say each step, yield the stage, and take everything down again whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-demo-"))
    web_port = _free_port()
    alerts_token = secrets.token_urlsafe(18)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        say("[1/3] the patient: three services under load, a supervisor, alert rules")
        shop = await stack.enter_async_context(
            Shop(
                folder / "shop",
                webhook_url=f"http://127.0.0.1:{web_port}/webhooks/alertmanager",
                webhook_token=alerts_token,
            )
        )
        say("[2/3] a local Slack workspace")
        workspace = LocalWorkspace(port=port, panels=[{"title": "Patient", "url": "/patient/"}])
        workspace.app.mount("/patient", build_panel_app(shop))
        await stack.enter_async_context(workspace)
        guide = Guide(workspace.workspace, workspace.workspace.panels[0])
        workspace.workspace.spawn(guide.follow())
        say("[3/3] the bot: python -m bot run, with an embedded Redis and SQLite")
        shop_values = {
            "SERVICES_FILE": str(shop.catalogue_path),
            "SUPERVISOR_TOKEN": shop.supervisor_token,
            "ALERTS_TOKEN": alerts_token,
            "WEB_PORT": str(web_port),
        }
        environment = {**bot_environment(workspace, shop_values, folder), **(extra or {})}
        bot = Bot(environment, folder / "bot.log", _env_file(environment, folder / "bot.env"))
        stack.push_async_callback(bot.stop)
        await bot.start()
        yield Stage(workspace, shop, bot, folder)
