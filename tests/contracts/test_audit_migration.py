"""History from before the chain is chained as it stands, and is kept as well as before."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bot.adapters.database import migrate as migrating
from bot.adapters.database.audit_check import check_chain
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import open_database
from bot.adapters.database.migrate import migrate
from core.audit import AuditEvent
from tests.fakes.clock import START
from tests.fakes.databases import PostgreSql
from tests.fakes.examples import an_audit_event

_BEFORE = (
    "INSERT INTO audit_events (id, kind, actor, subject, incident_id, at, details) "
    "VALUES (:id, :kind, :actor, :subject, :incident_id, :at, :details)"
)
AT = START + timedelta(hours=7, microseconds=5)
OLD = [
    an_audit_event(at=AT, details={"words": "naïve, 'quoted' \0 \ud83d", "n": [1, 0.5, None]}),
    an_audit_event(kind="VoteCast", actor="Zoë ✓", incident_id=None),
    an_audit_event(subject="", details={}),
]


@pytest.fixture(params=["sqlite", "postgresql"])
def old_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a database as version 0.1 left it, with a history in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('old') / 'old.db'}"
        asyncio.run(upgrade_to_the_first(url))
        yield url
        return
    server: PostgreSql = request.getfixturevalue("postgresql")
    url = server.create()
    asyncio.run(upgrade_to_the_first(url))
    yield url
    server.drop(url)


async def upgrade_to_the_first(url: str) -> None:
    database = open_database(url)
    async with database.writing() as connection:
        await connection.run_sync(lambda sync: upgrade(sync, "0001"))
        for number, event in enumerate(OLD, start=1):
            at: Any = event.at
            if connection.dialect.name == "sqlite":
                at = event.at.replace(tzinfo=None).isoformat(" ", "microseconds")
            # With gaps, as inserts that were rolled back leave them.
            row = event.model_dump() | {"id": 3 * number, "at": at, "details": json.dumps(event.details)}
            await connection.execute(text(_BEFORE), row)
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT setval('audit_events_id_seq', 9)"))
    await database.close()


def upgrade(connection: Any, revision: str) -> None:
    config = migrating._config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def histories(url: str) -> list[AuditEvent]:
    database = open_database(url)
    async with database.reading() as connection:
        found = await connection.execute(text("SELECT DISTINCT subject FROM audit_events ORDER BY 1"))
        subjects = list(found.scalars())
    rows = [event for subject in subjects for event in await SqlAudit(database).of_subject(subject)]
    await database.close()
    return rows


async def test_old_rows_are_chained_as_they_stand_and_new_ones_follow(old_url: str) -> None:
    await migrate(old_url)
    verdict = await check_chain(old_url)
    assert (verdict.intact, verdict.rows, verdict.head.sequence) == (True, 3, 3)
    assert await histories(old_url) == [OLD[2], OLD[0], OLD[1]]
    database = open_database(old_url)
    await SqlAudit(database).append(an_audit_event())
    await database.close()
    verdict = await check_chain(old_url, verdict.head)
    assert (verdict.intact, verdict.rows) == (True, 4)


async def test_the_history_is_as_closed_after_the_migration_as_before(old_url: str) -> None:
    await migrate(old_url)
    database = open_database(old_url)
    for forbidden in ("UPDATE audit_events SET actor = 'U0MALLORY'", "DELETE FROM audit_events"):
        with pytest.raises(DBAPIError, match="kept as they were written"):
            await write(database, forbidden)
    await database.close()


async def test_a_version_that_knows_no_chain_cannot_write_beside_it(old_url: str) -> None:
    await migrate(old_url)
    database = open_database(old_url)
    columns = "kind, actor, subject, at, details"
    with pytest.raises(IntegrityError):
        await write(database, f"INSERT INTO audit_events ({columns}) SELECT {columns} FROM audit_events WHERE id = 3")
    await database.close()
    assert (await check_chain(old_url)).rows == 3


async def test_an_id_is_never_given_twice(database_url: str) -> None:
    database = open_database(database_url)
    async with database.reading() as connection:
        query = text("SELECT sql FROM sqlite_master WHERE name = 'audit_events'")
        assert "AUTOINCREMENT" in (await connection.execute(query)).scalar_one()
    await database.close()


async def test_a_migration_that_leaves_a_row_as_it_was_is_caught(old_url: str) -> None:
    await migrate(old_url)
    database = open_database(old_url)
    async with database.writing() as connection:
        postgresql = connection.dialect.name == "postgresql"
        off = (
            "SET LOCAL session_replication_role = replica" if postgresql else "DROP TRIGGER audit_events_refuse_update"
        )
        await connection.execute(text(off))
        await connection.execute(text("UPDATE audit_events SET hash = previous_hash WHERE sequence = 2"))
    await database.close()
    assert (await check_chain(old_url)).faults[0].startswith("row 2 was changed")


async def write(database: Any, statement: str) -> None:
    async with database.writing() as connection:
        await connection.execute(text(statement))
