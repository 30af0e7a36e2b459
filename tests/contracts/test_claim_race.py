"""Two processes click at the same instant, two hundred times."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process

from bot.adapters.database.engine import open_database
from core.approval import ApprovalStatus
from tests.contracts.conftest import sql_stores
from tests.fakes.examples import a_request


async def race(url: str, kind: str, requests: int) -> tuple[set[str], set[str]]:
    """Let two processes claim that many pending requests, in step; returns what each says it has won."""
    command = [sys.executable, "-m", "tests.contracts.claim_race", url]
    sides = [
        await asyncio.create_subprocess_exec(*command, side, kind, stdin=PIPE, stdout=PIPE)
        for side in ("approve", "reject")
    ]
    try:
        for _ in range(requests):
            for side in sides:
                assert await line(side) == "ready"
            for side in sides:
                assert side.stdin is not None
                side.stdin.write(b"go\n")
        approved, rejected = [set(json.loads(await line(side))) for side in sides]
        return approved, rejected
    finally:
        for side in sides:
            if side.returncode is None:
                side.terminate()
            await side.communicate()


async def line(side: Process) -> str:
    assert side.stdout is not None
    return (await side.stdout.readline()).decode().strip()


async def fill(url: str, requests: int) -> None:
    database = open_database(url)
    stores = sql_stores(database)
    await asyncio.gather(*(stores.approvals.create(a_request()) for _ in range(requests)))
    await database.close()


async def test_of_two_processes_one_wins_each_of_two_hundred_requests(any_database_url: str) -> None:
    await fill(any_database_url, 200)
    approved, rejected = await race(any_database_url, "sound", 200)
    assert approved & rejected == set()
    assert len(approved | rejected) == 200
    assert approved, "a race with one runner proves nothing"
    assert rejected, "a race with one runner proves nothing"
    database = open_database(any_database_url)
    decided = {row.id: row.status for row in await sql_stores(database).approvals.undelivered()}
    await database.close()
    assert {row for row, status in decided.items() if status is ApprovalStatus.APPROVED} == approved


async def test_a_claim_that_looks_before_it_writes_has_two_winners(any_database_url: str) -> None:
    await fill(any_database_url, 20)
    approved, rejected = await race(any_database_url, "torn", 20)
    assert approved & rejected
