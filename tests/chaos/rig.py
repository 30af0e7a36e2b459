"""The whole of it as the chaos tests drive it: Slack, a target with its own ledger, Redis, SQLite and our processes."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import yaml
from redis.asyncio import Redis

from bot.adapters.clock import SystemClock
from bot.adapters.database.engine import Database, open_database
from bot.adapters.redis import keys
from bot.intake import event_of
from core.ids import stable_id
from demo.slack import LocalWorkspace
from demo.slack.delivery import Outcome
from tests.chaos.checker import Violation, check
from tests.chaos.collect import joined, rows_of
from tests.chaos.history import Ack, History, Run
from tests.chaos.roles import SHORT, Roles, Spans
from tests.chaos.target import Service, Target
from tests.fakes.processes import end, free_port
from tests.fakes.running_bot import ALERTS_TOKEN, ROOT
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until

OPS, APP = "C0OPS", "A0WATCH"
ALICE, BOB, CAROL = "U0ALICE", "U0BOB", "U0CAROL"
SRE = frozenset({ALICE, CAROL})
_RETRY_SPEED = 60.0  # Slack's minute is a second
_SERVICES = 60
_OPEN_FOR = 8.0  # seconds after the queue is empty; then what is open stays open
_SOCKETS = shutil.ignore_patterns("*.sock")
Message = dict[str, Any]


@dataclass
class Delivered:
    """One attempt of Slack's to hand us something; `attempt` 0 is the first."""

    event_id: str
    kind: str
    attempt: int
    ok: bool
    seconds: float
    at: datetime
    reason: str = ""


@dataclass
class Rig:
    """Everything that runs; `slack` is served by the test's own loop, so what it saw can be read at any time."""

    folder: Path
    slack: LocalWorkspace
    target: Target
    roles: Roles
    database: Database
    redis_url: str
    redis_child: subprocess.Popen[bytes]
    environment: Mapping[str, str]
    delivered: list[Delivered] = field(default_factory=list[Delivered])
    questions: list[str] = field(default_factory=list[str])
    redis_options: tuple[str, ...] = ()
    lost_threads: bool = False
    known: set[Violation] = field(default_factory=set[Violation])

    @property
    def web_url(self) -> str:
        """The address of the web role."""
        return f"http://127.0.0.1:{self.environment['WEB_PORT']}"

    async def ask(self, text: str, *, by: str = BOB) -> str:
        """Post a mention in #ops; returns its ts, which is its thread."""
        posted = await self.slack.post("post", as_=by, channel=OPS, text=f"@watchkeeper {text}")
        self.questions.append(posted["ts"])
        return posted["ts"]

    async def click(self, card: Message, action: str = "approval.approve", *, by: str = ALICE) -> bool:
        """Press a button of a card; False when the app did not answer in three seconds."""
        body = {"as": by, "channel": OPS, "ts": card["ts"], "action_id": action, "confirmed": True}
        return bool((await self.slack.post("click", body))["ok"])

    def thread(self, thread_ts: str, kind: str = "") -> list[Message]:
        """Return the messages of a thread, oldest first; `kind` is approval, report or note."""
        channel = self.slack.workspace.state.channels[OPS]
        found = [each.body for each in channel.messages.values() if thread_ts in (each.ts, each.thread_ts)]
        wanted = [each for each in found if not kind or _kind(each) == f"watchkeeper_{kind}"]
        return sorted(wanted, key=lambda each: each["ts"])

    def cards(self, thread_ts: str, *status: str) -> list[Message]:
        """Return the approval cards of a thread that show one of these states, or all."""
        return [each for each in self.thread(thread_ts, "approval") if not status or facts(each)["status"] in status]

    async def card(self, thread_ts: str, *status: str, within: float = 25.0, but: str = "") -> Message:
        """Wait for a card of that state (other than the one with the ts `but`)."""

        def look() -> list[Message]:
            return [each for each in self.cards(thread_ts, *status) if each["ts"] != but]

        await wait_until(look, within)
        return look()[0]

    async def carried_out(self, thread_ts: str, *, by: str = ALICE) -> Message:
        """Approve what waits in that thread (pressing again where Slack says that it did not work), and see it end."""
        card = await self.card(thread_ts, "pending")
        await wait_until(lambda: self.click(card, by=by), 15)
        await self.card(thread_ts, "executed", within=30)
        await settle(self)
        return card

    async def quiet(self, within: float = 30.0) -> None:
        """Wait until the queue is empty and no event's row is open."""
        async with Redis.from_url(self.redis_url) as redis:

            async def still() -> bool:
                return not any([await redis.xlen(name) for name in keys.STREAMS])

            await wait_until(still, within)
        await self._rows_at_rest()

    async def _rows_at_rest(self) -> History:
        """Return the rows once no event's row is open; one that stays open is for the checker to find."""
        until = monotonic() + _OPEN_FOR
        while True:
            rows = await rows_of(self.database)
            if all(ending.over for ending in rows.endings) or monotonic() > until:
                return rows
            await asyncio.sleep(0.05)

    async def history(self) -> History:
        """Join what all witnesses say now; take it when nothing moves any more."""
        messages = [
            each.body for channel in self.slack.workspace.state.channels.values() for each in channel.messages.values()
        ]
        acks = [Ack(each.event_id, each.at, each.kind) for each in self.delivered if each.ok]
        ledger = [vars_of(line) for line in self.target.ledger]
        rows = await self._rows_at_rest()  # an event of Slack's may have come since we looked
        return joined(
            rows, messages=messages, ledger=ledger, acks=acks if rows.endings else [],
            deciders={"S0SRE": SRE}, runs=[_run(ts) for ts in self.questions],
            interruptions=len(self.roles.ends()), keeps_threads=not self.lost_threads,
        )  # fmt: skip

    async def violations(self) -> list[Violation]:
        """Return what the checker finds that it had not found before."""
        fresh = [each for each in check(await self.history()) if each not in self.known]
        self.known.update(fresh)
        return fresh

    def kill_redis(self) -> None:
        """End Redis as a power cut does."""
        self.redis_child.kill()
        self.redis_child.wait()

    def start_redis(self) -> None:
        """Start it again over its files."""
        self.redis_child, _ = start_redis(self.folder / "redis", "redis", self.redis_options)

    def remember_redis(self) -> None:
        """Keep a copy of what it has on its disk now: what a replica that lags behind would have later."""
        shutil.copytree(self.folder / "redis", self.folder / "replica", dirs_exist_ok=True, ignore=_SOCKETS)

    def fail_over(self) -> None:
        """Put the copy of `remember_redis` in its place, as a failover to that replica does."""
        self.kill_redis()
        shutil.rmtree(self.folder / "redis" / "appendonlydir")
        shutil.copytree(self.folder / "replica" / "appendonlydir", self.folder / "redis" / "appendonlydir")
        self.lost_threads = True
        self.start_redis()

    async def empty_redis(self) -> None:
        """Lose everything that it holds."""
        self.lost_threads = True
        async with Redis.from_url(self.redis_url) as redis:
            await redis.flushall()

    async def forget_events(self) -> None:
        """Let Redis forget which events and signatures it has seen, as it does after fifteen minutes."""
        async with Redis.from_url(self.redis_url) as redis:
            for kind in ("seen", "signature"):
                found = [key async for key in redis.scan_iter(match=f"watchkeeper:{kind}:*")]
                if found:
                    await redis.delete(*found)


def vars_of(line: Any) -> dict[str, Any]:
    """Return a line of the target's ledger as its API would tell it."""
    names = ("action_id", "service", "operation", "args")
    return {name: getattr(line, name) for name in names} | {"at": line.at.isoformat()}


def facts(message: Message) -> Mapping[str, Any]:
    """Return the payload of a message's metadata."""
    return message.get("metadata", {}).get("event_payload", {})


def _kind(message: Message) -> str:
    return message.get("metadata", {}).get("event_type", "")


def _run(ts: str) -> Run:
    return Run("question", stable_id("rep", OPS, ts))


@asynccontextmanager
async def open_rig(
    folder: Path,
    *,
    workers: int = 1,
    without: tuple[str, ...] = (),
    spans: Spans = SHORT,
    redis_options: tuple[str, ...] = (),
    **settings: str,
) -> AsyncIterator[Rig]:
    """Yield a rig whose roles are ready; `without` names protections that its processes do not have.

    `spans` are what the product waits before it calls an act unknown or takes over what a dead worker held."""
    async with AsyncExitStack() as stack:
        target = Target({f"shop{number:02}": Service() for number in range(_SERVICES)})
        slack = LocalWorkspace()
        slack.app.mount("/target", target.app())
        await stack.enter_async_context(slack)
        slack.workspace.faults.rate_limits = 0
        slack.workspace.clock.set_scale(_RETRY_SPEED)
        redis_child, redis_url = start_redis(folder / "redis", "redis", redis_options)
        environment = _environment(slack.url, target, folder, redis_url) | settings
        roles = await stack.enter_async_context(Roles(folder, environment, without, spans))
        database = open_database(f"sqlite:///{folder / 'data' / 'watchkeeper.db'}")
        stack.push_async_callback(database.close)
        rig = Rig(folder, slack, target, roles, database, redis_url, redis_child, environment)
        rig.redis_options = redis_options
        stack.callback(lambda: end(rig.redis_child))
        _listen_to_deliveries(rig)
        for number in range(workers):
            roles.keep(f"worker{number}", "worker")
        roles.keep("web", "web")
        await ready(rig)
        slack.workspace.state.apps[APP].request_url = f"{rig.web_url}/slack/events"
        yield rig


async def ready(rig: Rig, within: float = 20.0) -> None:
    """Wait until the web role says that both roles are there."""
    async with httpx.AsyncClient(base_url=rig.web_url) as http:

        async def look() -> bool:
            try:
                return (await http.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        try:
            await wait_until(look, within)
        except AssertionError as error:
            raise AssertionError(rig.roles.log.read_text()[-3000:]) from error


def _environment(slack_url: str, target: Target, folder: Path, redis_url: str) -> dict[str, str]:
    place = f"{slack_url}/target"
    services = [
        {"name": name, "env": "prod", "url": f"{place}/health/{name}", "health_url": f"{place}/health/{name}"}
        for name in target.services
    ]
    (folder / "services.yaml").write_text(yaml.safe_dump({"services": services, "supervisor_url": place}))
    return {
        "SLACK_MODE": "http",
        "SLACK_BOT_TOKEN": "xoxb-local-watchkeeper-bot",
        "SLACK_SIGNING_SECRET": "local-signing-secret-8c1f0a",
        "SLACK_API_URL": f"{slack_url}/api/",
        "DATA_DIR": str(folder / "data"),
        "REDIS_URL": redis_url,
        "SERVICES_FILE": str(folder / "services.yaml"),
        "POLICY_FILE": str(ROOT / "policy.yaml"),
        "RUNBOOKS_DIR": str(ROOT / "runbooks"),
        "WEB_PORT": str(free_port()),
        "ALERTS_TOKEN": ALERTS_TOKEN,
        "SUPERVISOR_TOKEN": target.token,
        "VERIFY_WITHIN_SECONDS": "2",
        "VERIFY_EVERY_SECONDS": "0.1",
        "LOG_FORMAT": "json",
    }


def _listen_to_deliveries(rig: Rig) -> None:
    """Note each attempt of the workspace to hand us something, and what came of it."""
    transport, clock = rig.slack.workspace.http, SystemClock()
    send = transport.send

    async def noted(app: Any, kind: str, payload: Any, number: int, reason: str) -> Outcome:
        began = monotonic()
        outcome = await send(app, kind, payload, number, reason)
        if _is_echo(payload):
            return outcome
        event = event_of(payload, clock)
        told = Delivered(
            event.id, event.kind, number, outcome.ok, monotonic() - began, datetime.now(UTC), outcome.reason
        )
        rig.delivered.append(told)
        return outcome

    transport.send = noted  # pyright: ignore[reportAttributeAccessIssue]


def _is_echo(payload: Any) -> bool:
    """True for what our own messages set off: Bolt answers that with 200 before it comes to us."""
    event = payload.get("event") or {}
    return "U0WATCH" in (event.get("user"), (event.get("message") or {}).get("user"))


async def settle(rig: Rig) -> None:
    """Wait until the queue is empty, twice in a row: a handler may have put a job in between."""
    await rig.quiet()
    await asyncio.sleep(0.1)
    await rig.quiet()
