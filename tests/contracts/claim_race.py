"""One side of a race for approvals: `python -m tests.contracts.claim_race URL SIDE sound|torn`, driven over pipes."""

import asyncio
import json
import sys

from sqlalchemy import text

from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import Database, open_database
from core.approval import ApprovalRequest, ApprovalStatus
from tests.fakes.clock import START


async def torn_claim(database: Database, request: ApprovalRequest, status: ApprovalStatus) -> bool:
    """Look first and write afterwards: the variant that the race must catch."""
    async with database.reading() as connection:
        found = await connection.execute(text("SELECT status FROM approvals WHERE id = :id"), {"id": request.id})
        if found.scalar() != "pending":
            return False
    async with database.writing() as connection:
        change = text("UPDATE approvals SET status = :status WHERE id = :id")
        await connection.execute(change, {"status": status.value, "id": request.id})
    return True


async def main(url: str, side: str, kind: str) -> None:
    """Claim every request when told to, and print which were won."""
    status = ApprovalStatus.APPROVED if side == "approve" else ApprovalStatus.REJECTED
    database = open_database(url)
    approvals = SqlApprovals(database, SystemClock())
    requests = list(await approvals.pending())
    won: list[str] = []
    for request in requests:
        # A barrier for each request, or SQLite's lock lets one side win them all in a row.
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        if kind == "torn":
            mine = await torn_claim(database, request, status)
        else:
            mine = await approvals.claim(request.id, digest=request.digest, status=status, now=START, execute_by=START)
        if mine:
            won.append(request.id)
    print(json.dumps(won), flush=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
