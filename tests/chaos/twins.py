"""The system with one protection taken out at a time: each has to be caught by an invariant, or that checks nothing."""

import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Any

import pytest
from langgraph.types import Command
from sqlalchemy import update

import core.services.approval_desk
import tools.guard
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import append_event
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.effect_store import SqlEffects
from bot.adapters.database.models import approvals, votes
from bot.adapters.redis import keys, stream
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.stream import Entry, EventStream
from bot.cards.poster import Poster
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.event import Event, Start
from core.policy import Requirement
from core.services.approval_desk import ApprovalDesk
from core.services.leftovers import Leftovers
from core.services.sweeper import Sweeper
from graphs import runner
from graphs.runner import LangGraphRunner
from tests.chaos.inside.board import ALICE, BOB, CAROL
from tests.chaos.inside.knobs import SERVICES
from tests.chaos.machine import Schedule
from tools import attempts
from tools.attempts import Attempts
from tools.guard import Guard


async def _nothing(*_: Any, **__: Any) -> None:
    return None


def claims_are_unconditional(patch: pytest.MonkeyPatch) -> None:
    """The decision is written whatever the row says: the last one wins."""

    async def claim(
        self: Any,
        approval_id: str,
        *,
        status: ApprovalStatus,
        now: datetime,
        execute_by: datetime | None,
        event: AuditEvent,
        **_: Any,
    ) -> bool:
        statement = update(approvals).where(approvals.c.id == approval_id)
        async with self._database.writing() as connection:
            await connection.execute(statement.values(status=status.value, decided_at=now, execute_by=execute_by))
            await append_event(connection, event)
        return True

    patch.setattr(SqlApprovals, "claim", claim)


def attempts_leave_no_intent(patch: pytest.MonkeyPatch) -> None:
    """Every attempt believes that it is the first."""
    intend = SqlEffects.intend

    async def always(self: SqlEffects, *given: Any) -> bool:
        await intend(self, *given)
        return True

    patch.setattr(Attempts, "find", _nothing)
    patch.setattr(SqlEffects, "intend", always)


def digests_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    """What runs need not be what was approved."""
    patch.setattr(Guard, "_check_grant", _nothing)
    patch.setattr(Guard, "_check_unchanged", lambda *_: None)


def resumes_are_bare(patch: pytest.MonkeyPatch) -> None:
    """A verdict goes to whatever gate is open, as langgraph does without our runner."""

    async def answer(self: Any, request: ApprovalRequest, config: Any) -> bool:
        await self._run(self._remediation, Command(resume=request.status.value), config)
        return True

    config = runner.thread_config

    def lenient(thread_id: str, epoch: int) -> Any:
        made = config(thread_id, epoch)
        made["configurable"].pop(runner.STRICT_RESUME)
        return made

    patch.setattr(LangGraphRunner, "_answer", answer)
    patch.setattr(runner, "thread_config", lenient)


def nobody_holds_a_lease(patch: pytest.MonkeyPatch) -> None:
    """Two workers may run one thread at once: neither the lease nor the order of a key keeps them apart."""

    @asynccontextmanager
    async def free(self: RedisLease, name: str) -> AsyncIterator[int]:
        yield 1

    async def at_once(self: EventStream, entry: Entry) -> str:
        return entry.id

    patch.setattr(RedisLease, "__call__", free)
    patch.setattr(EventStream, "turn", at_once)
    patch.setattr(stream, "_PAGE", 1)  # or one worker takes them all


def votes_are_counted_not_people(patch: pytest.MonkeyPatch) -> None:
    """One person may vote twice and count for two."""

    async def vote(self: Any, vote: Vote, event: AuditEvent) -> None:
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(votes).values(vote.model_dump()))
            await append_event(connection, event)

    def tally(requirement: Requirement, cast: Sequence[Vote]) -> ApprovalStatus:
        if any(vote.choice == "reject" for vote in cast):
            return ApprovalStatus.REJECTED
        return ApprovalStatus.APPROVED if len(cast) >= requirement.quorum else ApprovalStatus.PENDING

    patch.setattr(SqlApprovals, "vote", vote)
    patch.setattr(core.services.approval_desk, "tally", tally)
    patch.setattr(tools.guard, "tally", tally)


def without_unique_votes(connection: Connection) -> None:
    """Make the table of votes anew, without the constraint that it has."""
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'votes'").fetchone()
    lines = [line for line in made.splitlines() if "UNIQUE" not in line]
    connection.execute("DROP TABLE votes")
    connection.execute("\n".join(lines))


def events_are_not_remembered(patch: pytest.MonkeyPatch) -> None:
    """Whatever is delivered is carried out, as often as it is."""

    async def begin(self: SqlDeliveries, event: Event, now: datetime, **_: Any) -> Start:
        return Start("begun", 1, now)

    patch.setattr(keys, "seen", lambda event_id: f"watchkeeper:seen:{uuid.uuid4().hex}")
    patch.setattr(SqlDeliveries, "begin", begin)


def nobody_sweeps(patch: pytest.MonkeyPatch) -> None:
    """What a crash left, and what nobody clicked on, stays."""
    patch.setattr(Sweeper, "tick", _nothing)
    patch.setattr(Leftovers, "tick", _nothing)


def lost_gates_are_not_told(patch: pytest.MonkeyPatch) -> None:
    """A verdict whose run is gone ends in silence."""

    async def answer(self: Any, request: ApprovalRequest, config: Any) -> bool:
        return False

    patch.setattr(LangGraphRunner, "_answer", answer)
    patch.setattr(LangGraphRunner, "_give_up", _nothing)
    patch.setattr(Leftovers, "_end_late", _nothing)


def entries_are_struck_off_when_read(patch: pytest.MonkeyPatch) -> None:
    """At most once: what a worker had when it died is gone."""
    fresh = EventStream.fresh

    async def forgetful(self: EventStream, *given: Any) -> list[Entry]:
        entries = await fresh(self, *given)
        for entry in entries:
            await self.done(entry)
        return entries

    patch.setattr(EventStream, "fresh", forgetful)


def freezes_are_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    """The switch is a label on a wall."""

    async def never(self: Guard) -> bool:
        return False

    patch.setattr(Guard, "_is_frozen", never)


def anybody_may_vote(patch: pytest.MonkeyPatch) -> None:
    """The desk counts whoever clicks."""

    async def welcome(*_: Any) -> tuple[str, ...]:
        return ("sre",)

    async def all_of_them(self: ApprovalDesk, request: ApprovalRequest) -> Sequence[Vote]:
        return request.votes

    patch.setattr(ApprovalDesk, "_check", welcome)
    patch.setattr(ApprovalDesk, "_standing", all_of_them)


def outcomes_are_not_written(patch: pytest.MonkeyPatch) -> None:
    """The ledger keeps intents only."""

    async def conclude(self: SqlEffects, *_: Any, **__: Any) -> bool:
        return True

    patch.setattr(SqlEffects, "conclude", conclude)


def requests_are_not_noted(patch: pytest.MonkeyPatch) -> None:
    """A request is written, and its line of the history forgotten."""
    create = SqlApprovals.create

    async def silently(self: SqlApprovals, request: ApprovalRequest, *_: Any) -> ApprovalRequest:
        return await create(self, request)

    patch.setattr(SqlApprovals, "create", silently)


def cards_are_posted_anew(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks whether the card stands already."""

    async def nowhere(self: Poster, *_: Any) -> str:
        return ""

    async def not_updated(self: Poster, *_: Any) -> bool:
        return False

    patch.setattr(Poster, "find", nowhere)
    patch.setattr(Poster, "_update", not_updated)


def secrets_are_not_filtered(patch: pytest.MonkeyPatch) -> None:
    """What a target says goes out as it came."""
    patch.setattr(attempts, "cleaned", lambda result, secrets: result)
    patch.setattr(tools.guard, "cleaned", lambda result, secrets: result)


def frozen_over(told: Schedule) -> None:
    """Everything is frozen while two people agree."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("freeze", 0)
    told.agree(0, ALICE, 300)


def killed_at_the_target(told: Schedule) -> None:
    """The worker that carries it out is killed when the target has done it and nobody has written that down."""
    told.begin("restart checkout", BOB, 1)
    for node in told.system.alive:
        node.plug.burn_at("target act")
    told.system.add_worker()
    told.agree(0, ALICE, 1500)


def edited(told: Schedule) -> None:
    """Somebody edits the waiting request in the database before two people agree."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("tamper", 0)
    told.agree(0, ALICE, 300)


def self_made(told: Schedule) -> None:
    """Whoever asked for it approves it."""
    told.begin("restart checkout", BOB, 1)
    told.decide(0, [(BOB, "approve")], 1, 300)


def agreed(told: Schedule) -> None:
    """Two people agree, and nothing befalls anybody."""
    told.begin("restart checkout", BOB, 1)
    told.agree(0, ALICE, 300)


def forgotten(told: Schedule) -> None:
    """The graphs forget what they wait for before two people agree."""
    told.begin("restart checkout", BOB, 1)
    told.outage("forget", 0)
    told.agree(0, ALICE, 300)


def twice_the_same(told: Schedule) -> None:
    """One person approves twice what two have to."""
    told.begin("restart payments", BOB, 1)
    for _ in range(2):
        told.decide(0, [(ALICE, "approve")], 1, 100)


def old_verdict_at_a_new_gate(told: Schedule) -> None:
    """An action does not help, its undo is asked for, and the verdict on the action is delivered once more."""
    told.begin("scale checkout to 5", BOB, 1)
    told.mischief("ill", tuple(SERVICES).index("checkout"))
    told.agree(0, ALICE, 400)
    told.repeat_verdict(0)
    told.time_passes("sweep", 200)
    told.agree(0, ALICE, 300)


def at_odds(told: Schedule) -> None:
    """One approves and one rejects in the same moment, while every call takes its time."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("slow", 1)
    told.decide(0, [(ALICE, "approve"), (CAROL, "reject")], 1, 100)


def verdicts_at_once(told: Schedule) -> None:
    """A verdict is delivered three times while every call takes its time."""
    told.begin("restart checkout", BOB, 1)
    told.mischief("slow", 1)
    told.agree(0, ALICE, 0)
    told.wait_for(ApprovalStatus.APPROVED)
    told.repeat_verdict(0)
    told.repeat_verdict(0)


@dataclass(frozen=True)
class Twin:
    """`caught_by` are the invariants of which at least one has to find it, within so many schedules of that seed.
    `only` names the rules that matter to it: what has to coincide comes sooner without the rest. A `story` is told in
    place of schedules, for what takes too many coincidences."""

    take_out: Callable[[pytest.MonkeyPatch], None]
    caught_by: frozenset[str]
    only: tuple[str, ...] = ()
    story: Callable[[Schedule], None] | None = None
    seed: int = 1
    within: int = 40
    prepare: Callable[[Connection], None] = lambda connection: None

    @property
    def name(self) -> str:
        return self.take_out.__name__


TWINS = [
    Twin(claims_are_unconditional, frozenset({"I2", "I5"}), story=at_odds, within=20),
    Twin(attempts_leave_no_intent, frozenset({"I1"}), story=killed_at_the_target, within=5),
    Twin(digests_are_not_compared, frozenset({"I2"}), story=edited, within=5),
    Twin(resumes_are_bare, frozenset({"I5"}), story=old_verdict_at_a_new_gate, within=5),
    Twin(nobody_holds_a_lease, frozenset({"I1", "I5"}), story=verdicts_at_once, within=20),
    Twin(votes_are_counted_not_people, frozenset({"I2"}), story=twice_the_same, within=5, prepare=without_unique_votes),
    Twin(events_are_not_remembered, frozenset({"I3"})),
    Twin(nobody_sweeps, frozenset({"I5"})),
    Twin(lost_gates_are_not_told, frozenset({"I5"}), story=forgotten, within=5),
    Twin(entries_are_struck_off_when_read, frozenset({"I3"})),
    Twin(freezes_are_not_asked_for, frozenset({"I2"}), story=frozen_over, within=5),
    Twin(anybody_may_vote, frozenset({"I2"}), story=self_made, within=5),
    Twin(outcomes_are_not_written, frozenset({"I4"}), story=agreed, within=5),
    Twin(requests_are_not_noted, frozenset({"I4"}), story=agreed, within=5),
    Twin(cards_are_posted_anew, frozenset({"I5"})),
    Twin(secrets_are_not_filtered, frozenset({"I6"}), story=agreed, within=5),
]
