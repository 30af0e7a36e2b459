"""The whole system with one protection taken out: each of these has to be missed, or what misses it checks nothing."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from sqlite3 import Connection
from typing import Any

import pytest
from langgraph.types import Command
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

import core.services.approval_desk
import core.services.sweeper
import core.tampering
import tools.guard
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import append_events
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.effect_store import SqlEffects
from bot.adapters.database.freeze_store import SqlSwitches
from bot.adapters.database.models import approvals, votes
from bot.adapters.redis import keys, stream
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.stream import Entry, EventStream
from bot.cards.poster import Poster
from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.audit import AuditEvent
from core.ballot import Ballot
from core.effect import Effect
from core.event import Event, Start
from core.freeze import Freeze
from core.policy_rules import Asker
from core.requirement import Requirement
from core.services.approval_desk import ApprovalDesk
from core.services.leftovers import Leftovers
from core.services.sweeper import Sweeper
from graphs import runner
from graphs.runner import LangGraphRunner
from tests.chaos.inside.knobs import Knobs
from tools import attempts
from tools.attempts import Attempts
from tools.guard import Guard, any_policy

FAR = datetime(9999, 1, 1, tzinfo=UTC)


async def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _no_history(*_: Any) -> Sequence[AuditEvent]:
    return ()


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
        ballot: Ballot | None = None,
        **_: Any,
    ) -> bool:
        statement = update(approvals).where(approvals.c.id == approval_id)
        if ballot is not None:
            await self.vote(*ballot)
        async with self._database.writing() as connection:
            await connection.execute(statement.values(status=status.value, decided_at=now, execute_by=execute_by))
            await append_events(connection, event)
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
    patch.setattr(tools.guard, "of_effect", lambda *_: ())  # the history knows of it as well


def digests_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    """What runs need not be what was approved."""
    patch.setattr(Guard, "_check_grant", _no_history)
    patch.setattr(Guard, "_check_unchanged", lambda *_: None)
    patch.setattr(Knobs, "compares", False)
    patch.setattr(ApprovalDesk, "_check_untouched", _nothing)
    patch.setattr(core.services.sweeper, "fault_of", lambda *_: "")


def resumes_are_bare(patch: pytest.MonkeyPatch) -> None:
    """A verdict goes to whatever gate is open, as langgraph does without our runner."""

    async def answer(self: Any, request: ApprovalRequest, config: Any) -> bool:
        await self._run(self._remediation, Command(resume={"verdict": request.status.value}), config)
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

    async def cast(self: Any, connection: AsyncConnection, vote: Vote) -> None:
        await connection.execute(self._database.insert(votes).values(vote.model_dump()))

    def tally(requirement: Requirement, cast: Sequence[Vote]) -> ApprovalStatus:
        if any(vote.choice == "reject" for vote in cast):
            return ApprovalStatus.REJECTED
        return ApprovalStatus.APPROVED if len(cast) >= requirement.quorum else ApprovalStatus.PENDING

    patch.setattr(SqlApprovals, "_cast", cast)
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
    """The switch is a label on a wall: neither who counts votes nor who acts looks at it."""

    async def off(self: SqlSwitches) -> Freeze:
        return Freeze()

    patch.setattr(SqlSwitches, "load", off)


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


def only_votes_ask_for_freezes(patch: pytest.MonkeyPatch) -> None:
    """Who acts does not look at the switch again."""

    async def never(self: Guard) -> bool:
        return False

    patch.setattr(Guard, "_is_frozen", never)


def late_votes_count(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the clock by which a request has to be decided."""
    check = ApprovalDesk._check

    async def patient(self: ApprovalDesk, request: ApprovalRequest, *given: Any) -> tuple[str, ...]:
        return await check(self, request.model_copy(update={"decide_by": FAR}), *given)

    claims_are_unconditional(patch)
    patch.setattr(ApprovalDesk, "_check", patient)
    patch.setattr(ApprovalDesk, "_check_untouched", _nothing)  # the copy above is not what was written
    patch.setattr(Sweeper, "tick", _nothing)


def late_effects_run(patch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the clock by which an approval has to be carried out."""
    check, intend = Guard._check_open, SqlEffects.intend

    def patient(self: Guard, row: ApprovalRequest, grant: Grant) -> None:
        check(self, row.model_copy(update={"execute_by": FAR}), grant.model_copy(update={"until": FAR}))

    async def early(self: SqlEffects, effect: Effect, event: AuditEvent) -> bool:
        return await intend(self, effect.model_copy(update={"intent_at": effect.intent_at - timedelta(days=1)}), event)

    patch.setattr(Guard, "_check_open", patient)
    patch.setattr(SqlEffects, "intend", early)


def votes_count_by_any_policy(patch: pytest.MonkeyPatch) -> None:
    """A request that was made by an older policy is decided by that one still."""
    effects_run_under_any_policy(patch)
    check = ApprovalDesk._check

    async def indifferent(self: ApprovalDesk, request: ApprovalRequest, *given: Any) -> tuple[str, ...]:
        newest = request.requirement.model_copy(update={"policy_sha256": self.policy.sha256})
        return await check(self, request.model_copy(update={"requirement": newest}), *given)

    patch.setattr(ApprovalDesk, "_check", indifferent)
    patch.setattr(ApprovalDesk, "_check_untouched", _nothing)  # the copy above is not what was written


def effects_run_under_any_policy(patch: pytest.MonkeyPatch) -> None:
    """What was approved under an older policy is carried out under the next."""
    look = Guard._check_may_run

    async def indifferent(self: Guard, *given: Any) -> None:
        self._in_force = any_policy
        await look(self, *given)

    patch.setattr(Guard, "_check_may_run", indifferent)


def requirements_follow_the_file(patch: pytest.MonkeyPatch) -> None:
    """What a request needs is what the newest policy says, not what was written with it."""
    votes_count_by_any_policy(patch)
    verdict = ApprovalDesk._verdict

    async def by_the_file(self: ApprovalDesk, request: ApprovalRequest) -> tuple[ApprovalStatus, list[Vote]]:
        newest = self.policy.requirement(request.plan, Asker())
        return await verdict(self, request.model_copy(update={"requirement": newest}))

    patch.setattr(ApprovalDesk, "_verdict", by_the_file)
    patch.setattr(tools.guard, "tally", lambda *_: ApprovalStatus.APPROVED)


def votes_move_to_the_edited(patch: pytest.MonkeyPatch) -> None:
    """Who approved the request that was edited has approved the new one, and no history is asked."""
    history_is_not_asked(patch)
    replace = SqlApprovals.replace

    async def carry(self: Any, new: ApprovalRequest, **more: Any) -> bool:
        old = await self.load(new.replaces)
        replaced = await replace(self, new, **more)
        async with self._database.writing() as connection:
            for vote in old.votes if replaced else ():
                moved = vote.model_copy(update={"approval_id": new.id})
                await connection.execute(self._database.insert(votes).values(moved.model_dump()))
        return replaced

    patch.setattr(SqlApprovals, "replace", carry)


def history_is_not_asked(patch: pytest.MonkeyPatch) -> None:
    """Whatever stands in a row's votes and status was written by the desk."""
    patch.setattr(core.tampering, "unrecorded", lambda *_: "")


def edits_end_nothing(patch: pytest.MonkeyPatch) -> None:
    """An edited request is asked for beside the one that it was made of."""

    async def add(self: SqlApprovals, new: ApprovalRequest, *, text: str, events: Sequence[AuditEvent]) -> bool:
        await self.create(new, events[-1])
        return True

    patch.setattr(SqlApprovals, "replace", add)
