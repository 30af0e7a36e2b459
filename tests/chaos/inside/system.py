"""The whole system in one process: several workers over real Redis, SQL and graphs, and what may befall it."""

import asyncio
import itertools
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import select

from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.models import approvals
from bot.adapters.database.report_store import SqlReports
from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from bot.identifiers import APPROVE, REASON_BLOCK, REASON_INPUT, REJECT_VIEW, UNDO
from bot.intake import event_of
from core.approval import ApprovalRequest, ApprovalStatus
from core.errors import TransientError
from core.event import Event
from core.ids import approval_id_of, remediation_id_of, stable_id
from core.policy import Policy, PolicyFile
from core.services.approval_desk import resume_job
from tests.chaos.collect import posts_of, rows_of
from tests.chaos.history import Ack, Ending, Freeze, History, Run
from tests.chaos.inside.board import ALICE, BOB, CAROL, OPS, SRE, Board
from tests.chaos.inside.knobs import Knobs
from tests.chaos.inside.node import Node, World
from tests.chaos.inside.place import Place
from tests.fakes.clock import FakeClock
from tests.fakes.examples import an_alert

_APPROVE = {"effect": "approve", "groups": ["sre"]}
POLICY = {
    "version": 1,
    "groups": {"sre": ["S0SRE"]},
    "rules": [
        {"name": "front is not scaled", "match": {"tool": "scale_*", "service": "front"}, "effect": "deny"},
        {"name": "payments by two", "match": {"service": "payments"}, **_APPROVE, "quorum": 2},
        {"name": "anything else", **_APPROVE},
    ],
}  # fmt: skip
CANARY = "AKIA5CANARY7NEVERLEAVES"


class TickingClock(FakeClock):
    """No two moments are the same, so that what came first can be told from the rows."""

    def now(self) -> datetime:
        return self.advance(microseconds=1)


class System:
    """Everything a schedule does is a method here; `settle` lets all of it come to rest, `history` tells what came."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.file = place.fresh()
        self.clock = TickingClock()
        policy = Policy(PolicyFile.model_validate(POLICY), "0" * 64)
        self.board, self.knobs = Board(), Knobs(self.clock, CANARY)
        self.world = World(
            place.redis_url, f"sqlite:///{self.file}", self.clock, policy, self.board, self.knobs, CANARY, place.http,
        )  # fmt: skip
        self.web: RedisQueue
        self.nodes: list[Node] = []
        self.acks: list[Ack] = []
        self.runs: list[Run] = []
        self.freezes: list[Freeze] = []
        self.late: list[Event] = []
        self.stuck: list[str] = []
        self.busy: list[str] = []
        self.interruptions = 0
        self._taken_over = place.taken_over
        self.keeps_threads = True
        self._names = itertools.count(1)

    async def open(self, workers: int = 2) -> None:
        """Start the workers and the web side."""
        self._edge = connect(self.world.redis_url)
        self._admin = Redis.from_url(self.world.redis_url)
        self.web = RedisQueue(self._edge)
        self._rows: Database = open_database(self.world.database_url)
        for _ in range(workers):
            self.add_worker()

    def add_worker(self) -> Node:
        """Start a worker that nobody has seen before."""
        node = Node(self.world, f"worker{next(self._names)}")
        node.start()
        self.nodes.append(node)
        return node

    async def close(self) -> None:
        """Give everything back."""
        for node in self.nodes:
            await node.close()
        await self._edge.aclose()
        await self._admin.aclose()
        await self._rows.close()
        for leftover in self.file.parent.glob(f"{self.file.name}*"):
            leftover.unlink()

    @property
    def alive(self) -> list[Node]:
        """The workers that nobody has killed yet."""
        return [node for node in self.nodes if node.alive]

    # What arrives

    async def arrive(self, event: Event, what: str, times: int = 1) -> None:
        """Hand an event in at the edge, so many times; what the edge does not take comes again later, as from Slack."""
        taken = await asyncio.gather(*(self._put(event) for _ in range(times)))
        if any(taken):
            self.acks.append(Ack(event.id, self.clock.now(), what))
        else:
            self.late.append(event)

    async def _put(self, event: Event) -> bool:
        try:
            await self.web.put(event)
        except TransientError:
            return False
        return True

    def asks(self, person: str, text: str, thread: str = "") -> Event:
        """Return somebody's words to us in #ops; a run that owes a report."""
        ts = self.board.stamp()
        inner = {"type": "app_mention", "user": person, "text": f"<@U0BOT> {text}", "ts": ts, "channel": OPS}
        inner |= {"thread_ts": thread} if thread else {}
        self.runs.append(Run("question", stable_id("rep", OPS, ts), notes=_sentences(f"ask:{OPS}:{ts}")))
        payload = {"type": "event_callback", "event_id": f"Ev{ts}", "team_id": "T0", "event": inner}
        return event_of(payload, self.clock)

    def rings(self, service: str, number: int, firing: bool) -> Event:
        """Return an alert's word from the monitoring."""
        status = "firing" if firing else "resolved"
        alert = an_alert(fingerprint=f"{service}-{number}", service=service, status=status)
        body = alert.model_dump(mode="json")
        name = f"alert:{service}:{number}:{status}"
        return Event(id=name, kind="alert", key=alert.group_key, body=body, received_at=self.clock.now())

    def clicks(self, request: ApprovalRequest, person: str, button: str) -> Event:
        """Return a press of a card's button."""
        payload: dict[str, Any] = self._interaction(person) | {
            "type": "block_actions",
            "container": {"channel_id": request.channel, "message_ts": request.card_ts, "thread_ts": request.thread_ts},
            "channel": {"id": request.channel},
            "actions": [{"action_id": button, "value": request.id, "block_id": "b", "type": "button"}],
        }
        return event_of(payload, self.clock)

    def approves(self, request: ApprovalRequest, person: str) -> Event:
        """Return a press of Approve."""
        return self.clicks(request, person, APPROVE)

    def undoes(self, request: ApprovalRequest, person: str) -> Event:
        """Return a press of Undo."""
        return self.clicks(request, person, UNDO)

    def rejects(self, request: ApprovalRequest, person: str) -> Event:
        """Return the submission of a reason to reject."""
        view = {
            "id": f"V{self.board.stamp()}", "hash": "h", "callback_id": REJECT_VIEW, "private_metadata": request.id,
            "type": "modal", "state": {"values": {REASON_BLOCK: {REASON_INPUT: {"value": "wrong remedy"}}}},
        }  # fmt: skip
        return event_of(self._interaction(person) | {"type": "view_submission", "view": view}, self.clock)

    def _interaction(self, person: str) -> dict[str, Any]:
        trigger = self.board.stamp()
        return {"user": {"id": person}, "team": {"id": "T0"}, "api_app_id": "A0", "trigger_id": trigger}

    async def verdict_again(self, request: ApprovalRequest) -> None:
        """Deliver the verdict twice more, at once."""
        for attempt in ("again", "and again"):
            await self._put(resume_job(request, self.clock, attempt))

    # What befalls it

    def interrupt(self) -> None:
        """Count something that may make an event be carried out once more."""
        self.interruptions += 1

    async def cut_connections(self) -> None:
        """Have the server close every connection but this one."""
        self.interrupt()
        await self._admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    async def restart_redis(self) -> None:
        """Kill Redis and start it again."""
        self.interrupt()
        await self._admin.connection_pool.disconnect()
        await asyncio.to_thread(self.place.restart_redis)

    async def lose_checkpoints(self) -> None:
        """Have every graph forget what it waited for."""
        self.keeps_threads = False
        found = [key async for key in self._admin.scan_iter(match="watchkeeper:graph*", count=1000)]
        if found:
            await self._admin.unlink(*found)

    async def lock_sql(self, seconds: float) -> None:
        """Keep everybody from writing for a while."""
        self.interrupt()
        await asyncio.to_thread(_hold_lock, self.file, seconds)

    def freeze(self, on: bool) -> None:
        """Turn the freeze switch."""
        if on and not self.world.frozen:
            self.freezes.append(Freeze(self.clock.now()))
        elif not on and self.world.frozen:
            self.freezes[-1] = replace(self.freezes[-1], until=self.clock.now())
        self.world.frozen = on

    async def tamper(self, request: ApprovalRequest) -> None:
        """Change what would run in the row itself, behind everybody's back, with all the rights there are."""
        call = request.plan.call.model_copy(update={"args": {**request.plan.call.args, "service": "front"}})
        plan = request.plan.model_copy(update={"call": call}).model_dump_json()
        await asyncio.to_thread(_write_plan, self.file, request.id, plan)

    async def sweep(self) -> None:
        """Let one worker look for what is due."""
        for node in self.alive[:1]:
            await asyncio.wait([node.run(tick()) for tick in node.ticks])

    # What can be seen

    async def requests(self, *statuses: ApprovalStatus) -> list[ApprovalRequest]:
        """Return the requests of those statuses (of any, if none is given), oldest first."""
        async with self._rows.reading() as connection:
            query = select(approvals.c.id).order_by(approvals.c.created_at, approvals.c.id)
            named = query.where(approvals.c.status.in_([each.value for each in statuses])) if statuses else query
            ids = (await connection.execute(named)).scalars().all()
        store = SqlApprovals(self._rows, self.clock)
        return [await store.load(each) for each in ids]

    async def wait_for(self, status: ApprovalStatus, seconds: float = 0.5) -> list[ApprovalRequest]:
        """Return the requests of that status, waiting a moment for the first while anybody works on anything."""
        deadline = monotonic() + seconds
        while True:
            found = await self.requests(status)
            if found or not self.alive or monotonic() > deadline or not await self._waiting():
                return found
            await asyncio.sleep(0.02)

    async def idle(self, seconds: float) -> bool:
        """Wait until nothing is left in the streams; False when that does not come about."""
        deadline = monotonic() + seconds
        while await self._waiting():
            if monotonic() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def settle(self) -> None:
        """Mend everything, deliver what is late, and let time pass until nothing is owed (or ever will be paid)."""
        self.freeze(False)
        self.world.slow = None
        self.knobs.answers.clear()
        for event in self.late:
            await self.arrive(event, "late")
        self.late.clear()
        for node in self.alive:
            node.plug.mend()
        if not self.alive:
            self.add_worker()
        for minutes in (0, 1, 31, 1, 1, 1):
            if minutes == 31:
                self.stuck = [row.id for row in await self.requests(ApprovalStatus.APPROVED)]
            self.clock.advance(minutes=minutes)
            await self.sweep()
            if not await self.idle(4):
                self.busy = [waits_in(task) for task in asyncio.all_tasks()]
                return
            if minutes and not await self._owed():
                return

    async def _owed(self) -> bool:
        store = SqlApprovals(self._rows, self.clock)
        return bool(await store.pending() or await store.undelivered())

    async def history(self) -> History:
        """Return what everybody saw."""
        rows = await rows_of(self._rows)
        handled = Counter(self.world.handled)
        waiting = await self._left()
        endings = {each: Ending(each, "done", times) for each, times in handled.items()}
        endings |= {each.event_id: replace(each, times=handled[each.event_id]) for each in rows.endings}
        endings |= {each: Ending(each, "waiting") for each in waiting}
        deciders = {"S0SRE": frozenset(SRE) - {"U0GUEST"}}
        messages = self.board.messages
        return replace(
            rows, acks=self.acks, endings=list(endings.values()), acts=list(self.knobs.ledger),
            posts=posts_of(messages), runs=[*self.runs, *await self._proposals(rows)], deciders=deciders,
            freezes=self.freezes, canaries=(CANARY,), sinks={"whispers": [str(self.board.whispers)]},
            interruptions=self._interrupted(),
            keeps_threads=self.keeps_threads, stuck=self.stuck,
        )  # fmt: skip

    async def _waiting(self) -> bool:
        return any([await self._admin.xlen(name) for name in keys.STREAMS])

    def _interrupted(self) -> int:
        taken_over = self.place.taken_over - self._taken_over
        return self.interruptions + len(self.world.deaths) + len(self.world.broken_off) + taken_over

    async def _left(self) -> list[str]:
        found: list[str] = []
        for name in keys.STREAMS:
            for _, fields in await self._admin.xrange(name):
                found.append(Event.model_validate_json(fields[b"event"]).id)
        return found

    async def _proposals(self, rows: History) -> list[Run]:
        store = SqlReports(self._rows)
        found: list[Run] = []
        for run in self.runs:
            report = await store.load(run.id)
            if report is not None and report.proposal is not None:
                remediation = remediation_id_of(report.id)
                first = approval_id_of(remediation, 1)
                notes = (f"{first}:refused", *_sentences(f"propose:{remediation}"))
                found.append(Run("proposal", remediation, (first,), notes))
        return found


def waits_in(task: "asyncio.Task[Any]") -> str:
    """Return where a task waits, from the outside in."""
    waiting: Any = task.get_coro()
    found: list[str] = []
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        if frame is not None:
            found.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)
    return " > ".join(found)


def _sentences(event_id: str) -> tuple[str, ...]:
    """The keys of what may be said in place of what an event was to bring about."""
    return (f"failed:{event_id}", f"dead:{event_id}")


def _hold_lock(file: Path, seconds: float) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=5)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        sleep(seconds)
        connection.execute("ROLLBACK")


def _write_plan(file: Path, approval_id: str, plan: str) -> None:
    with closing(sqlite3.connect(file, timeout=5)) as connection:
        kept = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'approvals'"
        for (name,) in connection.execute(kept).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE approvals SET plan = ? WHERE id = ?", (plan, approval_id))
        connection.commit()


PEOPLE: Sequence[str] = (ALICE, CAROL, BOB)
