"""The whole system in one process: several workers over real Redis, SQL and graphs, and what may befall it."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any

from redis.asyncio import Redis

from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import Database
from bot.adapters.database.freeze_store import SqlSwitches
from bot.adapters.database.report_store import SqlReports
from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.errors import TransientError
from core.event import Event
from core.freeze import SUBJECT
from core.freeze import Freeze as Switch
from core.ids import approval_id_of, remediation_id_of
from core.services.approval_desk import resume_job
from core.tool_call import Plan
from tests.chaos.collect import posts_of, rows_of
from tests.chaos.history import Ack, Ending, Freeze, History, Run
from tests.chaos.inside.board import ALICE, DECIDERS, Board
from tests.chaos.inside.knobs import Knobs
from tests.chaos.inside.node import Node, World
from tests.chaos.inside.place import Place
from tests.chaos.inside.policies import Reigns, policy_named, sha_of
from tests.chaos.inside.rows import open_rows
from tests.chaos.inside.stimuli import Stimuli, sentences
from tests.fakes.clock import FakeClock

CANARY = "AKIA5CANARY7NEVERLEAVES"
TURN, TURNS = 0.003, 2000  # seconds, and how many of them: counted, as a busy machine gives us few of them in a second


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
        self.board, self.knobs = Board(), Knobs(self.clock, CANARY)
        self.stimuli = Stimuli(self.board, self.clock)
        self.world = World(
            place.redis_url, f"sqlite:///{self.file}", self.clock, policy_named("first"), self.board, self.knobs,
            CANARY, place.http, Reigns(),
        )  # fmt: skip
        self.world.reigns.come("first", self.clock.now())
        self.web: RedisQueue
        self.nodes: list[Node] = []
        self.acks: list[Ack] = []
        self.freezes: list[Freeze] = []
        self.asked: dict[str, Plan] = {}  # what was asked for by requests that somebody has tampered with
        self.voted: dict[str, tuple[Vote, ...]] = {}  # and what was voted on those that somebody has forged
        self.late: list[Event] = []
        self.stuck: list[str] = []
        self.busy: list[str] = []
        self.interruptions = 0
        self._taken_over = place.taken_over
        self.keeps_threads = True

    async def open(self, workers: int = 2) -> None:
        """Start the workers and the web side."""
        self._edge = connect(self.world.redis_url)
        self._admin = Redis.from_url(self.world.redis_url)
        self.web = RedisQueue(self._edge)
        self._rows: Database = open_rows(self.world.database_url)
        self._ids = sqlite3.connect(self.file, isolation_level=None)
        for _ in range(workers):
            self.add_worker()

    def add_worker(self) -> Node:
        """Start a worker that nobody has seen before."""
        node = Node(self.world, self.place.new_name())
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
        self._ids.close()
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

    async def freeze(self, on: bool) -> None:
        """Turn the freeze switch in SQL; what is done on a look before the switch was turned is done in time."""
        began = self.clock.now()
        kind = "Frozen" if on else "Thawed"
        told = AuditEvent(kind=kind, actor=ALICE, subject=SUBJECT, at=began, details={})
        if not await SqlSwitches(self._rows).turn(Switch(is_on=on, person=ALICE, since=began), told):
            return
        if on:
            self.freezes.append(Freeze(self.clock.now()))
        else:
            self.freezes[-1] = replace(self.freezes[-1], until=began)

    async def turn_policy(self, name: str, late: int) -> None:
        """Put another policy in the place of the file; every worker reads it now but the one numbered `late`."""
        self.world.policy = policy_named(name)
        self.world.reigns.come(name, self.clock.now())
        for number, node in enumerate(self.alive):
            if number != late:
                await asyncio.wait([node.run(node.policy.refresh())])
        held = {sha_of(name), *(node.policy.sha256 for node in self.alive)}
        self.world.reigns.leave(held, self.clock.now())

    async def tamper(self, request: ApprovalRequest) -> None:
        """Change what would run in the row itself, behind everybody's back, with all the rights there are."""
        self.asked.setdefault(request.id, request.plan)
        call = request.plan.call.model_copy(update={"args": {**request.plan.call.args, "service": "front"}})
        plan = request.plan.model_copy(update={"call": call}).model_dump_json()
        await asyncio.to_thread(_write, self.file, "UPDATE approvals SET plan = ? WHERE id = ?", (plan, request.id))

    async def forge(self, request: ApprovalRequest) -> None:
        """Approve a request in the rows themselves, with the votes of everybody who might have."""
        now = self.clock.now()
        at, until = (_written(each) for each in (now, now + request.requirement.execute_within))
        approve = "UPDATE approvals SET status = 'approved', decided_at = ?, execute_by = ? WHERE id = ?"
        once = f"{approve} AND status = 'pending'"
        if not await asyncio.to_thread(_write, self.file, once, (at, until, request.id)):
            return  # somebody was quicker, and it is decided
        # From here on nobody else's vote counts: what stands there now is what people have cast.
        self.voted.setdefault(request.id, (await SqlApprovals(self._rows, self.clock).load(request.id)).votes)
        vote = "INSERT OR IGNORE INTO votes (approval_id, person, choice, reason, at, groups) VALUES (?, ?, ?, ?, ?, ?)"
        for person in sorted(frozenset[str]().union(*DECIDERS.values()) - {request.requester}):
            groups = json.dumps([*request.requirement.members_of])
            await asyncio.to_thread(_write, self.file, vote, (request.id, person, "approve", "", at, groups))

    async def sweep(self) -> None:
        """Let one worker look for what is due."""
        for node in self.alive[:1]:
            await asyncio.wait([node.run(tick()) for tick in node.ticks])

    # What can be seen

    def ids(self, *statuses: ApprovalStatus) -> list[str]:
        """Return the ids of the requests of those statuses (of any, if none is given), oldest first."""
        # Asked without a turn of the loop, and often: it must take no part in what it looks at.
        named = f"WHERE status IN ({','.join('?' * len(statuses))})" if statuses else ""
        query = f"SELECT id FROM approvals {named} ORDER BY created_at, id"
        return [row[0] for row in self._ids.execute(query, [each.value for each in statuses])]

    async def pick(self, number: int, *statuses: ApprovalStatus) -> ApprovalRequest | None:
        """Return one of the requests of those statuses, waiting for the first while anybody works on anything."""
        if statuses:
            await self._while_busy(lambda: not self.ids(*statuses))
        found = self.ids(*statuses)
        return await SqlApprovals(self._rows, self.clock).load(found[number % len(found)]) if found else None

    async def go_on(self, calls: int) -> None:
        """Let the workers make so many calls, or as many as there is work for."""
        goal = self.world.calls + calls
        await self._while_busy(lambda: self.world.calls < goal)

    async def _while_busy(self, wanted: Callable[[], bool]) -> None:
        """Wait while that holds and anybody works on anything."""
        for number in range(TURNS):
            # Redis is asked now and then only: asking takes longer than most of what is waited for.
            if not wanted() or not self.alive or (number % 5 == 0 and not await self._waiting()):
                return
            await asyncio.sleep(TURN)

    async def idle(self) -> bool:
        """Wait until nothing is left in the streams; False when that does not come about."""
        for _ in range(TURNS):
            if not await self._waiting():
                return True
            await asyncio.sleep(TURN)
        return False

    async def settle(self) -> None:
        """Mend everything, deliver what is late, and let time pass until nothing is owed (or ever will be paid)."""
        self.world.slow = None
        await self.freeze(False)
        self.knobs.answers.clear()
        for event in self.late:
            await self.arrive(event, "late")
        self.late.clear()
        for node in self.alive:
            node.plug.mend()
        if not self.alive:
            self.add_worker()
        if gone := [keys.consumer(node.name) for node in self.nodes if not node.alive]:
            await self._admin.delete(*gone)  # what the dead had is free, as it will be when their last word runs out
        for minutes in (0, 1, 31, 1, 1, 1):
            if minutes == 31:
                self.stuck = self.ids(ApprovalStatus.APPROVED)
            self.clock.advance(minutes=minutes)
            await self.sweep()
            if not await self.idle():
                self.busy = [*await self._held(), *(waits_in(task) for task in asyncio.all_tasks())]
                return
            if minutes and not self._owed():
                return

    def _owed(self) -> bool:
        return bool(self._ids.execute("SELECT 1 FROM approvals WHERE delivered_at IS NULL LIMIT 1").fetchone())

    async def history(self) -> History:
        """Return what everybody saw: of a request that was tampered with, what people were asked and have voted."""
        rows = await rows_of(self._rows)
        asked = [
            row.model_copy(
                update={"plan": self.asked.get(row.id, row.plan), "votes": self.voted.get(row.id, row.votes)}
            )
            for row in rows.approvals
        ]
        handled = Counter(self.world.handled)
        waiting = await self._left()
        endings = {each: Ending(each, "done", times) for each, times in handled.items()}
        endings |= {each.event_id: replace(each, times=handled[each.event_id]) for each in rows.endings}
        endings |= {each: Ending(each, "waiting") for each in waiting}
        messages = self.board.messages
        return replace(
            rows, approvals=asked, acks=self.acks, endings=list(endings.values()), acts=list(self.knobs.ledger),
            posts=posts_of(messages), runs=[*self.stimuli.runs, *await self._proposals()], deciders=DECIDERS,
            freezes=self.freezes, canaries=(CANARY,), sinks={"whispers": [str(self.board.whispers)]},
            interruptions=self._interrupted(),
            keeps_threads=self.keeps_threads, stuck=self.stuck, reigns=self.world.reigns.all,
        )  # fmt: skip

    async def _waiting(self) -> bool:
        pipe = self._admin.pipeline(transaction=False)
        for name in keys.STREAMS:
            pipe.xlen(name)
        return any(await pipe.execute())

    def _interrupted(self) -> int:
        taken_over = self.place.taken_over - self._taken_over
        return self.interruptions + len(self.world.deaths) + len(self.world.broken_off) + taken_over

    async def _held(self) -> list[str]:
        """Return a line for each entry that somebody has and does not finish."""
        lives = {node.name: node.alive for node in self.nodes}
        found: list[str] = []
        for name in keys.STREAMS:
            for each in await self._admin.xpending_range(name, keys.WORKERS, "-", "+", 100):
                holder, entry = each["consumer"].decode(), each["message_id"].decode()
                found.append(f"{name} {entry} is with {holder}, alive: {lives.get(holder)}")
        return found

    async def _left(self) -> list[str]:
        found: list[str] = []
        for name in keys.STREAMS:
            for _, fields in await self._admin.xrange(name):
                found.append(Event.model_validate_json(fields[b"event"]).id)
        return found

    async def _proposals(self) -> list[Run]:
        store = SqlReports(self._rows)
        found: list[Run] = []
        for run in self.stimuli.runs:
            report = await store.load(run.id)
            if report is not None and report.proposal is not None:
                remediation = remediation_id_of(report.id)
                first = approval_id_of(remediation, 1)
                notes = (f"{first}:refused", *sentences(f"propose:{remediation}"))
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


def _hold_lock(file: Path, seconds: float) -> None:
    with closing(sqlite3.connect(file, isolation_level=None, timeout=5)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        sleep(seconds)
        connection.execute("ROLLBACK")


def _written(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _write(file: Path, statement: str, values: tuple[str, ...]) -> int:
    """Return how many rows it has changed."""
    with closing(sqlite3.connect(file, timeout=5)) as connection:
        kept = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'approvals'"
        for (name,) in connection.execute(kept).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        changed = connection.execute(statement, values).rowcount
        connection.commit()
        return changed
