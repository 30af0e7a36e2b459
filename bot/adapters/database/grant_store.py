"""Standing grants, and the votes counted against them: the votes are the count, so that no counter can be wrong."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, Text, func, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.audit_log import append_events
from bot.adapters.database.engine import Database
from bot.adapters.database.models import approvals, standing_grants, votes
from core.approval import ApprovalStatus, Vote
from core.audit import AuditEvent
from core.errors import NoDataError
from core.standing_grant import GrantEnd, StandingGrant

_log = structlog.get_logger(__name__)
_KEPT = ("digest", "used", "ended_at", "ended_as", "ended_by")
# As text: a row that is no JSON any more must not hide all others.
_ROW = [type_coerce(each, Text).label("body") if each.name == "body" else each for each in standing_grants.c]


class SqlGrants:
    """Implements core.services.grant_book.Grants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, grant: StandingGrant, event: AuditEvent) -> bool:
        """Insert the grant with its event; False when its id exists."""
        body = grant.model_dump(mode="json", exclude={*_KEPT})
        row = self._database.insert(standing_grants).values(id=grant.id, body=body, digest=grant.digest)
        once = row.on_conflict_do_nothing(index_elements=[standing_grants.c.id]).returning(standing_grants.c.id)
        async with self._database.writing() as connection:
            added = (await connection.execute(once)).scalar() is not None
            if added:
                await append_events(connection, event)
            return added

    async def load(self, grant_id: str) -> StandingGrant:
        """Return the grant with the number of its votes; NoDataError when there is none."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_counted().where(standing_grants.c.id == grant_id))).mappings().first()
        if row is None:
            raise NoDataError(f"There is no grant {grant_id[:40]}.")
        return _grant_of(row)

    async def open(self) -> Sequence[StandingGrant]:
        """Return those that nobody has ended, oldest first; a row that makes no sense grants nothing."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_counted().where(standing_grants.c.ended_at.is_(None)))).mappings().all()
        found: list[StandingGrant] = []
        for row in rows:
            try:
                found.append(_grant_of(row))
            except ValueError:
                _log.error("grant_unreadable", grant_id=row["id"])
        return sorted(found, key=lambda grant: (grant.created_at, grant.id))

    async def use(self, grant: StandingGrant, vote: Vote, events: Sequence[AuditEvent]) -> int | None:
        """Count one more use and write its vote, or do nothing; the number of the use, None when there is none."""
        pending = select(approvals.c.id).where(
            approvals.c.id == vote.approval_id, approvals.c.status == ApprovalStatus.PENDING.value
        )
        async with self._database.writing() as connection:
            # The request's row first, as a claim does; then the grant's, so that one use at a time is counted.
            if (await connection.execute(pending.with_for_update(read=True))).first() is None:
                return None
            if not await hold(connection, (grant.id,), vote.at):
                return None
            taken = select(func.count()).select_from(votes).where(votes.c.grant_id == grant.id)
            number = int((await connection.execute(taken)).scalar_one()) + 1
            if number > grant.uses:
                return None
            row = self._database.insert(votes).values(vote.model_dump() | {"grant_use": number})
            theirs = [votes.c.approval_id, votes.c.person]
            once = row.on_conflict_do_nothing(index_elements=theirs, index_where=votes.c.grant_id.is_not(None))
            if (await connection.execute(once.returning(votes.c.id))).scalar() is None:
                return None
            await append_events(connection, *events)
            return number

    async def end(self, grant_id: str, how: GrantEnd, person: str, event: AuditEvent) -> bool:
        """End it with its event, once."""
        mine = update(standing_grants).where(standing_grants.c.id == grant_id, standing_grants.c.ended_at.is_(None))
        async with self._database.writing() as connection:
            changed = mine.values(ended_at=event.at, ended_as=how, ended_by=person)
            ended = (await connection.execute(changed)).rowcount == 1
            if ended:
                await append_events(connection, event)
            return ended


async def hold(connection: AsyncConnection, grant_ids: Sequence[str], now: datetime) -> bool:
    """True when all these grants let something through at that moment; they stay like that until the caller's
    transaction ends, for a revocation waits for it."""
    held = select(*_ROW).where(standing_grants.c.id.in_(grant_ids)).order_by(standing_grants.c.id)
    rows = (await connection.execute(held.with_for_update())).mappings().all()
    try:
        found = [_grant_of({**row, "used": 0}) for row in rows]
    except ValueError:
        return False
    sound = [each for each in found if each.digest == each.true_digest and not each.why_over(now)]
    return len(sound) == len(set(grant_ids))


def _counted() -> Select[Any]:
    used = select(func.count()).where(votes.c.grant_id == standing_grants.c.id).scalar_subquery()
    return select(*_ROW, used.label("used"))


def _grant_of(row: Any) -> StandingGrant:
    """Return the grant; ValueError for a body that is none, or is another row's."""
    body = json.loads(row["body"])
    if not isinstance(body, dict):
        raise ValueError("the grant is no object")
    grant = StandingGrant.model_validate(body | {name: row[name] for name in _KEPT if row[name] is not None})
    if grant.id != row["id"]:
        raise ValueError("the grant stands in another row")
    return grant
