"""Votes from before a hand could vote beside its own grant: they stay as they were cast, and are kept as well."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.migrate import migrate
from tests.contracts.test_audit_migration import upgrade
from tests.fakes.databases import PostgreSql

_APPROVAL = text(
    "INSERT INTO approvals (id, digest, plan, requirement, requester, reason, thread_id, channel, thread_ts, status,"
    " created_at, decide_by, outcome_text, card_ts) VALUES ('apr_1', '', '{}', '{}', '', '', '', '', '', 'pending',"
    " '2026-11-02 09:00:00.000000', '2026-11-02 09:30:00.000000', '', '')"
)
_VOTE = (
    "INSERT INTO votes (approval_id, person, choice, reason, at, groups, grant_id)"
    " VALUES ('apr_1', '{}', 'approve', 'naïve', '2026-11-02 09:00:00.000000', '[\"sre\"]', {})"
)
_ALL = text("SELECT id, approval_id, person, choice, reason, groups, grant_id, grant_use FROM votes ORDER BY id")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('old') / 'old.db'}"
        return
    server: PostgreSql = request.getfixturevalue("postgresql")
    created = server.create()
    yield created
    server.drop(created)


@pytest.fixture
async def old(url: str) -> AsyncIterator[Database]:
    """Yield a database in which three have voted, one of them by a grant, before the migration."""
    database = open_database(url)
    async with database.writing() as connection:
        await connection.run_sync(lambda sync: upgrade(sync, "0013"))
        await connection.execute(_APPROVAL)
        for person, grant in (("U0CAROL", "NULL"), ("U0GONE", "NULL"), ("U0ALICE", "'grt_1'")):
            await connection.execute(text(_VOTE.format(person, grant)))
    yield database
    await database.close()


async def rows(database: Database) -> list[Any]:
    async with database.reading() as connection:
        return [tuple(row) for row in await connection.execute(_ALL)]


async def refused(database: Database, statement: str) -> bool:
    try:
        async with database.writing() as connection:
            await connection.execute(text(statement))
    except (DBAPIError, IntegrityError):
        return True
    return False


async def test_votes_stay_as_they_were_and_each_kind_counts_once(old: Database, url: str) -> None:
    before = await rows(old)
    assert await refused(old, _VOTE.format("U0ALICE", "NULL")), "this is what is mended"
    assert await migrate(url) >= "0014"
    assert await rows(old) == before
    assert not await refused(old, _VOTE.format("U0ALICE", "NULL"))
    for person, grant in (("U0CAROL", "NULL"), ("U0ALICE", "NULL"), ("U0ALICE", "'grt_2'")):
        assert await refused(old, _VOTE.format(person, grant)), (person, grant)
    last = (await rows(old))[-1]
    assert last[0] > before[-1][0], "no number is given twice"


@pytest.mark.parametrize(
    "statement", ["UPDATE votes SET choice = 'reject'", "DELETE FROM votes", "UPDATE votes SET grant_id = NULL"]
)
async def test_votes_are_kept_as_well_as_before(old: Database, url: str, statement: str) -> None:
    assert await refused(old, statement)
    await migrate(url)
    assert await refused(old, statement)
    assert len(await rows(old)) == 3
