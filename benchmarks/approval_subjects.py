"""What is measured: our worker, beside the stock graphs, all before the same target."""

import asyncio
import contextlib
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import httpx
import yaml

from benchmarks.approval_click import ALICE, BOB, CHANNEL, a_click
from benchmarks.approval_stock import open_stock
from benchmarks.approval_target import Stamps, Target
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.effect_store import SqlEffects
from bot.adapters.redis.connection import connect
from bot.adapters.redis.inspection import inspect
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.queue import RedisQueue
from bot.bootstrap import worker as bootstrap
from bot.settings import Settings
from bot.worker import Worker
from core.approval import ApprovalRequest
from core.brief import Place, Proposal
from core.event import Event
from core.ids import approval_id_of, remediation_thread_id
from core.services.approval_desk import ApprovalDesk
from core.tool_call import ToolCall
from tests.fakes.processes import end, free_port, start
from tests.fakes.servers import start_redis
from tools.guard import Guard

OURS = "ours: worker, Redis, SQLite"


class Subject(Protocol):
    """One way from a click to its effect; `given` is when the click was made, `started` when work on it began, `ended`
    when the resume had returned (ours: when the effect began)."""

    name: str
    stamps: Stamps
    given: float
    started: float
    ended: float
    effects: int

    async def prepare(self, number: int) -> None:
        """Bring a fresh request to where it waits for its click."""
        ...

    async def click(self) -> None:
        """Approve it, and return once the target has had the request."""
        ...

    async def settle(self) -> None:
        """Let what follows end, and count the effects."""
        ...


@dataclass
class Ours:
    """The deployed worker; a click is the event that the web role would have queued."""

    role: Any
    target: Target
    stamps: Stamps
    approvals: SqlApprovals
    name: str = OURS
    given: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    effects: int = 0

    async def prepare(self, number: int) -> None:
        remediation = f"rem_{number}"
        proposal = Proposal(
            remediation_id=remediation,
            call=ToolCall(name="restart_service", args={"service": "checkout"}),
            place=self.place,
            requester=BOB,
            reason="memory",
        )
        job = Event(
            id=f"propose:{remediation}",
            kind="job.propose",
            key=remediation_thread_id(remediation),
            body=proposal.model_dump(mode="json"),
            received_at=datetime.now(UTC),
        )
        await self.role.queue.put(job)
        self._id = approval_id_of(remediation, 1)
        self._row = await self._until(lambda row: bool(row.card_ts))
        await asyncio.sleep(0.05)  # the gate's checkpoint follows the card

    async def click(self) -> None:
        self.target.watch(self._row.action_id, self.stamps)
        self.given = perf_counter()
        await self.role.queue.put(self._event())
        await self.target.arrived.wait()
        self.started, self.ended = self.stamps.at(BEGUN), perf_counter()

    async def settle(self) -> None:
        row = await self._until(lambda row: row.finished_at is not None)
        assert row.status.value == "executed", row
        while any(each.id == self._id for each in await self.approvals.undelivered()):  # noqa: ASYNC110 - it is a row
            await asyncio.sleep(0.02)
        self.effects = self.target.count(self._row.action_id)

    place = Place(channel=CHANNEL, thread_ts="")

    async def _until(self, check: Callable[[ApprovalRequest], bool]) -> ApprovalRequest:
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(Exception):
                    if check(row := await self.approvals.load(self._id)):
                        return row
                await asyncio.sleep(0.02)

    def _event(self) -> Event:
        row = self._row
        return Event(
            id=f"click:{row.id}",
            kind="slack.interactive",
            key=f"approval:{row.id}",
            body=a_click(row.channel, row.thread_ts, row.card_ts, row.id),
            received_at=datetime.now(UTC),
        )


BEGUN = "the click is in the worker's hands"
_MOMENTS: tuple[tuple[type, str, str, str], ...] = (
    # class, method, moment before it, moment after it
    (ApprovalDesk, "vote_on", "acknowledge, dispatch, load the row", ""),
    (SqlApprovals, "vote", "who may decide, and how", "the vote and its history are kept"),
    (SqlApprovals, "claim", "tally", "the decision and its history are kept"),
    (RedisQueue, "put", "", "the job is kept"),
    (Worker, "_resume", "the job's way through the queue, and its count", ""),
    (RedisLease, "_wait_for", "load the row", "the thread's lease"),
    (Guard, "execute", "the graph is resumed", ""),
    (Guard, "plan", "first look", "the dry run is made again"),
    (SqlEffects, "intend", "second look", "the intent and its history are kept"),
)


@contextmanager
def stamped(stamps: Stamps) -> Iterator[None]:
    """Note those moments whenever the methods are called, as long as the block lasts."""
    before = [(kind, name, getattr(kind, name)) for kind, name, *_ in _MOMENTS]
    before.append((Worker, "_slack", Worker._slack))
    for kind, name, early, late in ((Worker, "_slack", BEGUN, ""), *_MOMENTS):
        setattr(kind, name, _noting(getattr(kind, name), stamps, early, late))
    try:
        yield
    finally:
        for kind, name, method in before:
            setattr(kind, name, method)


def _noting(method: Any, stamps: Stamps, early: str, late: str) -> Any:
    @wraps(method)
    async def noted(*args: Any, **named: Any) -> Any:
        ours = not (method.__name__ == "put" and args[1].kind != "job.resume")
        if early and ours:
            stamps.mark(early)
        result = await method(*args, **named)
        if late and ours:
            stamps.mark(late)
        return result

    return noted


@asynccontextmanager
async def open_subjects(folder: Path) -> AsyncIterator[tuple[list[Subject], str]]:
    """Yield the subjects and the name of the Redis behind ours; everything ends with the block."""
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(Target().serving())
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        child, redis_url = start_redis(folder / "redis", "valkey")
        stack.callback(end, child)
        slack_port = free_port()
        slack = start([sys.executable, "-m", "demo.slack", "--port", str(slack_port)], folder / "slack.log")
        stack.callback(end, slack)
        settings = _settings(folder, redis_url, f"http://127.0.0.1:{slack_port}", target.url)
        await _answering(f"http://127.0.0.1:{slack_port}", http)
        stamps = Stamps()
        stack.enter_context(stamped(stamps))
        with contextlib.redirect_stdout(io.StringIO()):
            role = await stack.enter_async_context(bootstrap.build_worker(settings))
        ours = Ours(role, target, stamps, _approvals_of(role))
        ours.place = await _thread(http, f"http://127.0.0.1:{slack_port}")
        stopping = asyncio.Event()
        with contextlib.redirect_stdout(io.StringIO()):
            running = asyncio.create_task(role.run(stopping))
            await asyncio.sleep(0.5)
        redis = connect(redis_url)
        facts = await inspect(redis)
        await redis.aclose()
        stock = await open_stock(folder, target, http, f"http://127.0.0.1:{slack_port}", stack)
        yield [ours, *stock], f"{facts.engine} {facts.version}, append-only file"
        stopping.set()
        await running


def _approvals_of(role: Any) -> SqlApprovals:
    worker: Worker = role.delivery._handle.__self__
    approvals = worker.services.approvals
    assert isinstance(approvals, SqlApprovals)
    return approvals


async def _thread(http: httpx.AsyncClient, slack_url: str) -> Place:
    """Return a thread that a person has begun."""
    body = {"as": BOB, "channel": CHANNEL, "text": "checkout is slow"}
    posted = (await http.post(f"{slack_url}/control/post", json=body)).json()
    return Place(channel=CHANNEL, thread_ts=posted["ts"])


async def _answering(url: str, http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await http.post(f"{url}/api/api.test")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


def _settings(folder: Path, redis_url: str, slack_url: str, target_url: str) -> Settings:
    policy = {
        "version": 1,
        "groups": {"sre": [ALICE]},
        "rules": [{"name": "all", "effect": "approve", "groups": ["sre"], "quorum": 1}],
    }
    services = [{"name": "checkout", "env": "prod", "url": target_url, "health_url": f"{target_url}/healthz"}]
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    (folder / "services.yaml").write_text(yaml.safe_dump({"services": services, "supervisor_url": target_url}))
    (folder / "runbooks").mkdir()
    given = {
        "SLACK_BOT_TOKEN": "xoxb-local-watchkeeper-bot",
        "SLACK_APP_TOKEN": "xapp-local-watchkeeper-app",
        "SLACK_API_URL": f"{slack_url}/api/",
        "REDIS_URL": redis_url,
        "DATA_DIR": str(folder / "data"),
        "SERVICES_FILE": str(folder / "services.yaml"),
        "POLICY_FILE": str(folder / "policy.yaml"),
        "RUNBOOKS_DIR": str(folder / "runbooks"),
        "SUPERVISOR_TOKEN": Target.token,
        "VERIFY_WITHIN_SECONDS": "5",
        "VERIFY_EVERY_SECONDS": "1",
    }
    (folder / "env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    return Settings.load(folder / "env")
