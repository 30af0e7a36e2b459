"""One side of a race for a grant's uses: `python -m tests.contracts.grant_race URL sound|torn 0|1`, over pipes."""

import asyncio
import json
import sys

from sqlalchemy import func, select

from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.grant_store import SqlGrants
from bot.adapters.database.models import votes
from core.approval import ApprovalRequest, Vote
from core.audit import AuditEvent
from core.standing_grant import StandingGrant
from tests.fakes.clock import START


async def next_use(database: Database, grant: StandingGrant) -> int:
    """Count in a transaction of its own."""
    async with database.reading() as connection:
        taken = select(func.count()).select_from(votes).where(votes.c.grant_id == grant.id)
        return int((await connection.execute(taken)).scalar_one()) + 1


async def torn_use(approvals: SqlApprovals, grant: StandingGrant, vote: Vote, number: int) -> int | None:
    """Vote by what was counted before: the variant that the race must catch."""
    if number > grant.uses:
        return None
    await approvals.vote(vote.model_copy(update={"grant_use": number}))
    return number


async def main(url: str, kind: str, side: str) -> None:
    """Use the grant on every other request when told to, and print for which that worked."""
    database = open_database(url)
    approvals, grants = SqlApprovals(database, SystemClock()), SqlGrants(database)
    mine: list[ApprovalRequest] = list(await approvals.pending())[int(side) :: 2]
    (grant,) = await grants.open()
    won: list[str] = []
    for request in mine:
        vote = Vote(approval_id=request.id, person=grant.by, choice="approve", at=START, grant_id=grant.id)
        used = AuditEvent(kind="GrantUsed", actor=grant.by, subject=grant.id, at=START)
        counted = await next_use(database, grant)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        if kind == "torn":
            number = await torn_use(approvals, grant, vote, counted)
        else:
            number = await grants.use(grant, vote, [used])
        if number is not None:
            won.append(request.id)
    print(json.dumps(won), flush=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
