"""Approval rows and votes: every step out of a status is one conditional UPDATE, so that one caller wins it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, and_, bindparam, exists, false, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.audit_log import append_events
from bot.adapters.database.engine import Database
from bot.adapters.database.grant_store import hold
from bot.adapters.database.models import approvals, effects, votes
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.ballot import Ballot
from core.effect import EffectStatus
from core.errors import AlreadyDecidedError, AlreadyVotedError, NoDataError
from core.ports import Clock
from core.refusal import gainsaying

_PENDING = ApprovalStatus.PENDING.value
_BALLOT = [votes.c[name].label(f"ballot_{name}") for name in Vote.model_fields]
# Requests with their votes in one statement, as it is on the way of every decision and every act; and what is done to
# one request made once, as to make it takes as long as to carry it out.
_ORDER = (approvals.c.created_at, approvals.c.id, votes.c.at, votes.c.id)
_ALL = select(approvals, *_BALLOT).outerjoin(votes, votes.c.approval_id == approvals.c.id).order_by(*_ORDER)
_ONE = _ALL.where(approvals.c.id == bindparam("approval_id"))
# The new vote, while its request waits. Locked, or PostgreSQL would look past a claim that has not been committed yet.
_WHILE_PENDING = (
    select(*(bindparam(name, type_=votes.c[name].type) for name in Vote.model_fields))
    .where(approvals.c.id == bindparam("approval_id"), approvals.c.status == _PENDING)
    .with_for_update(of=approvals)
)
_STATUS = select(approvals.c.status).where(approvals.c.id == bindparam("approval_id"))
_LOCKED = _STATUS.with_for_update()
_END = (
    update(approvals)
    .where(approvals.c.id == bindparam("mine"), approvals.c.status == _PENDING)
    .values(
        status=bindparam("new"),
        decided_at=bindparam("moment"),
        execute_by=bindparam("until"),
        outcome_text=bindparam("why"),
    )
)
_REJECTED = exists().where(votes.c.approval_id == bindparam("mine"), votes.c.choice == "reject")
_APPROVE = _END.where(
    approvals.c.digest == bindparam("approved"), approvals.c.decide_by > bindparam("moment"), ~_REJECTED
)


class SqlApprovals:
    """Implements core.ports.Approvals and ApprovalQueue, and core.services.editing.Replacements."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        by_hand = {"index_elements": [votes.c.approval_id, votes.c.person], "index_where": votes.c.grant_id.is_(None)}
        chosen = database.insert(votes).from_select([*Vote.model_fields], _WHILE_PENDING)
        self._vote = chosen.on_conflict_do_nothing(**by_hand).returning(votes.c.id)

    async def create(self, request: ApprovalRequest, event: AuditEvent | None = None) -> ApprovalRequest:
        """Insert the request, and its event in the same transaction; when its id exists already, return the existing
        row unchanged."""
        statement = self._database.insert(approvals).values(_row_of(request))
        once = statement.on_conflict_do_nothing(index_elements=[approvals.c.id]).returning(approvals.c.id)
        async with self._database.writing() as connection:
            if (await connection.execute(once)).scalar() is not None and event is not None:
                await append_events(connection, event)
        return await self.load(request.id)

    async def load(self, approval_id: str) -> ApprovalRequest:
        """Return the request with its votes; NoDataError when there is none."""
        found = await self._fetch(_ONE, approval_id=approval_id)
        if not found:
            raise NoDataError(f"There is no approval request {approval_id}.")
        return found[0]

    async def vote(self, vote: Vote, event: AuditEvent | None = None) -> None:
        """Insert the vote while the request is pending, in one INSERT, and its event in the same transaction;
        AlreadyDecidedError when it no longer is, AlreadyVotedError for a person's second, NoDataError without a
        request."""
        async with self._database.writing() as connection:
            await self._cast(connection, vote)
            if event is not None:
                await append_events(connection, event)

    async def claim(
        self,
        approval_id: str,
        *,
        digest: str,
        status: ApprovalStatus,
        now: datetime,
        execute_by: datetime | None,
        event: AuditEvent | None = None,
        grants: Sequence[str] = (),
        text: str = "",
        ballot: Ballot | None = None,
    ) -> bool:
        """Leave pending in one UPDATE, with its event, and the ballot before it, in the same transaction; True for the
        one caller that wins."""
        values = {"mine": approval_id, "new": status.value, "moment": now, "until": execute_by, "why": text}
        statement = _END
        if status is ApprovalStatus.APPROVED:
            statement, values["approved"] = _APPROVE, digest
        async with self._database.writing() as connection:
            await self._hold(connection, approval_id)
            if ballot is not None:
                await self._cast(connection, ballot.vote)
            held = not grants or await hold(connection, grants, now)
            won = held and (await connection.execute(statement, values)).rowcount == 1
            # Last, as the history is everybody's: whoever holds it waits for no row any more.
            told = [ballot.event] if ballot is not None else []
            told += [event] if won and event is not None else []
            await append_events(connection, *told)
            return won

    async def replace(self, new: ApprovalRequest, *, text: str, events: Sequence[AuditEvent]) -> bool:
        """End the request that `new` replaces and write `new`, in one transaction; False, with nothing written, when
        the old one is no longer pending, is out of time or was rejected."""
        now, old = new.created_at, approvals.c.id == new.replaces
        rejected = exists().where(votes.c.approval_id == new.replaces, votes.c.choice == "reject")
        ended = update(approvals).where(old, approvals.c.status == _PENDING, approvals.c.decide_by > now, ~rejected)
        ended = ended.values(status=ApprovalStatus.SUPERSEDED.value, decided_at=now, outcome_text=text)
        async with self._database.writing() as connection:
            await self._hold(connection, str(new.replaces))
            if (await connection.execute(ended)).rowcount != 1:
                return False
            await connection.execute(self._database.insert(approvals).values(_row_of(new)))
            await append_events(connection, *events)
            return True

    async def finish(self, approval_id: str, *, status: ApprovalStatus, text: str, now: datetime) -> bool:
        """Leave approved (or executed, for a rollback) in one UPDATE; False when it had ended, or when the ledger
        gainsays it."""
        mine = approvals.c.id == approval_id
        gainsaid = exists().where(effects.c.approval_id == approval_id, effects.c.status.in_(gainsaying(status)))
        statement = update(approvals).where(mine, _may_end_as(approval_id, status), ~gainsaid)
        async with self._database.writing() as connection:
            await self._hold(connection, approval_id)
            changed = statement.values(status=status.value, outcome_text=text, finished_at=now)
            return (await connection.execute(changed)).rowcount == 1

    async def pending(self) -> Sequence[ApprovalRequest]:
        """Return requests that wait for votes, oldest first."""
        return await self._fetch(_ALL.where(approvals.c.status == _PENDING))

    async def undelivered(self) -> Sequence[ApprovalRequest]:
        """Return requests that are decided while their graph has not been told, oldest first."""
        return await self._fetch(_ALL.where(approvals.c.delivered_at.is_(None), approvals.c.status != _PENDING))

    async def delivered(self, approval_id: str) -> None:
        """Note that the graph took the verdict; the first note stands."""
        statement = update(approvals).where(approvals.c.id == approval_id, approvals.c.delivered_at.is_(None))
        await self._won(statement.values(delivered_at=self._clock.now()))

    async def place(self, approval_id: str, card_ts: str) -> None:
        """Remember where the request's card stands; NoDataError when there is no such request."""
        if not await self._won(update(approvals).where(approvals.c.id == approval_id).values(card_ts=card_ts)):
            raise NoDataError(f"There is no approval request {approval_id}.")

    async def of(self, *, incident_id: str | None = None, report_id: str | None = None) -> Sequence[ApprovalRequest]:
        """Return the requests of that incident or that report, oldest first."""
        wanted = ((approvals.c.incident_id, incident_id), (approvals.c.report_id, report_id))
        matches = [column == value for column, value in wanted if value is not None]
        return await self._fetch(_ALL.where(or_(false(), *matches)))

    async def _cast(self, connection: AsyncConnection, vote: Vote) -> None:
        if (await connection.execute(self._vote, vote.model_dump())).scalar() is not None:
            return
        status = (await connection.execute(_STATUS, {"approval_id": vote.approval_id})).scalar()
        if status is None:
            raise NoDataError(f"There is no approval request {vote.approval_id}.")
        if status != _PENDING:
            raise AlreadyDecidedError("This request is decided already; your vote does not count.")
        raise AlreadyVotedError("You have voted on this request already.")

    async def _hold(self, connection: AsyncConnection, approval_id: str) -> None:
        """Wait for a vote or an intent under way: what follows must see what that has written, or be seen by it."""
        if connection.dialect.name != "sqlite":  # there the transaction has held the write lock from its start
            await connection.execute(_LOCKED, {"approval_id": approval_id})

    async def _won(self, statement: Update) -> bool:
        async with self._database.writing() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def _fetch(self, query: Select[Any], **values: str) -> list[ApprovalRequest]:
        async with self._database.reading() as connection:
            found = (await connection.execute(query, values)).mappings().all()
        rows: dict[str, dict[str, Any]] = {}
        for each in found:
            row = rows.setdefault(each["id"], {**each, "votes": []})
            if each["ballot_person"] is not None:
                row["votes"].append({name: each[f"ballot_{name}"] for name in Vote.model_fields})
        return [ApprovalRequest.model_validate(row) for row in rows.values()]


def _may_end_as(approval_id: str, status: ApprovalStatus) -> ColumnElement[bool]:
    """Return what an approval row must look like to get that end."""
    needed = ApprovalStatus.EXECUTED if status is ApprovalStatus.ROLLED_BACK else ApprovalStatus.APPROVED
    open_to_it = approvals.c.status == needed.value
    if status is not ApprovalStatus.EXECUTED:
        return open_to_it
    done = exists().where(effects.c.approval_id == approval_id, effects.c.status == EffectStatus.DONE.value)
    return or_(open_to_it, and_(approvals.c.status == ApprovalStatus.UNKNOWN.value, done))


def _row_of(request: ApprovalRequest) -> dict[str, Any]:
    return request.model_dump(exclude={"plan", "requirement", "votes"}) | {
        "plan": request.plan.model_dump(mode="json"),
        "requirement": request.requirement.model_dump(mode="json"),
    }
