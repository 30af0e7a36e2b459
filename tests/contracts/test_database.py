"""What the schema and its settings promise, whatever the code above them does."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.adapters.database import migrations
from bot.adapters.database.engine import Database, async_url, open_database
from bot.adapters.database.migrate import migrate, newest_revision
from bot.adapters.database.models import metadata
from core.approval import ApprovalStatus, Vote
from core.errors import ConfigurationError, TransientError
from tests.contracts.conftest import sql_stores
from tests.fakes.clock import START
from tests.fakes.databases import PostgreSql
from tests.fakes.examples import a_request, an_audit_event, an_effect

FORBIDDEN = [
    "UPDATE audit_events SET actor = 'U0MALLORY'",
    "UPDATE audit_events SET hash = 'x'",
    "DELETE FROM audit_events",
    "UPDATE votes SET choice = 'reject'",
    "DELETE FROM votes",
    "UPDATE approvals SET digest = 'x'",
    "UPDATE approvals SET plan = '{}'",
    "UPDATE approvals SET requirement = '{}'",
    "UPDATE approvals SET requester = 'U0MALLORY'",
    "UPDATE approvals SET decide_by = created_at",
    "UPDATE approvals SET reopens = 'apr_other'",
    "DELETE FROM approvals",
    "UPDATE effects SET args = '{}'",
    "UPDATE effects SET action_id = 'act_other'",
    "DELETE FROM effects",
]
ON_SQLITE = [
    "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events",
    "INSERT OR REPLACE INTO audit_events (id, sequence, kind, actor, subject, at, details, previous_hash, hash) "
    "SELECT id + 100, sequence, kind, actor, subject, at, details, previous_hash, hash FROM audit_events",
]
ON_POSTGRESQL = ["TRUNCATE audit_events", "TRUNCATE approvals CASCADE"]


async def fill(database: Database) -> None:
    stores = sql_stores(database)
    request = await stores.approvals.create(a_request())
    await stores.approvals.vote(Vote(approval_id=request.id, person="U0BOB", choice="approve", at=START))
    await stores.approvals.claim(
        request.id, digest=request.digest, status=ApprovalStatus.APPROVED, now=START, execute_by=request.decide_by
    )
    assert await stores.effects.intend(an_effect(request), an_audit_event())
    await stores.audit.append(an_audit_event())


async def refused(database: Database, statement: str) -> bool:
    try:
        async with database.writing() as connection:
            await connection.execute(text(statement))
    except DBAPIError as error:
        return "kept as they were written" in str(error)
    return False


async def test_what_was_decided_cannot_be_rewritten(database: Database) -> None:
    await fill(database)
    more = ON_SQLITE if database.engine.dialect.name == "sqlite" else ON_POSTGRESQL
    assert [statement for statement in FORBIDDEN + more if not await refused(database, statement)] == []


async def test_without_the_triggers_it_can_be_rewritten(database: Database) -> None:
    await fill(database)
    on = "" if database.engine.dialect.name == "sqlite" else " ON audit_events"
    # All in a transaction that is thrown away, as the database is used by others.
    async with database.reading() as connection:
        await connection.execute(text(f"DROP TRIGGER audit_events_refuse_update{on}"))
        assert (await connection.execute(text(FORBIDDEN[0]))).rowcount == 2


async def test_an_effect_needs_a_request(database: Database) -> None:
    stray = an_effect(a_request())
    assert not await sql_stores(database).effects.intend(stray, an_audit_event())
    assert await sql_stores(database).effects.load(stray.action_id) is None


async def test_one_group_cannot_have_two_open_incidents(database: Database) -> None:
    row = "INSERT INTO incidents (group_key, title, service, env, severity, status, channel, thread_ts, opened_at) "
    row += "VALUES ('prod/checkout', '', '', '', '', '{}', '', '', '2026-11-02 09:00:00.000000')"
    async with database.writing() as connection:
        await connection.execute(text(row.format("open")))
        await connection.execute(text(row.format("resolved")))
    with pytest.raises(DBAPIError):
        async with database.writing() as connection:
            await connection.execute(text(row.format("open")))


async def test_the_models_are_what_the_migrations_make(database: Database) -> None:
    async with database.reading() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"compare_type": True, "compare_server_default": False}), metadata
            )
        )
    assert differences == []


async def test_text_that_postgresql_cannot_hold_is_kept_legible(database: Database) -> None:
    approvals = sql_stores(database).approvals
    request = await approvals.create(a_request(reason="a\0b"))
    await approvals.claim(
        request.id, digest=request.digest, status=ApprovalStatus.APPROVED, now=START, execute_by=START
    )
    await approvals.finish(request.id, status=ApprovalStatus.FAILED, text="half a pair \ud83d", now=START)
    loaded = await approvals.load(request.id)
    assert (loaded.reason, loaded.outcome_text) == ("a\ufffdb", "half a pair ?")


def test_the_newest_script_is_the_head_of_all() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__path__[0])))
    assert scripts.get_heads() == [newest_revision()]


async def test_a_database_tells_its_revision(database: Database) -> None:
    assert await database.revision() == newest_revision()


async def test_sqlite_keeps_a_commit_through_a_power_cut_and_checks_references(database_url: str) -> None:
    database = open_database(database_url)
    async with database.reading() as connection:
        wanted = {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000, "foreign_keys": 1}
        found = {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in wanted}
    await database.close()
    assert found == wanted


async def test_migrating_makes_the_folder_and_may_be_repeated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/not/there/yet.db"
    database = open_database(url)
    assert await database.revision() is None
    await database.close()
    assert await migrate(url) == newest_revision()
    assert await migrate(url) == newest_revision()


async def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert await asyncio.gather(migrate(url), migrate(url)) == [newest_revision()] * 2


@pytest.mark.parametrize("patience", [5.0, 0.0], ids=["patient", "twin"])
async def test_a_new_file_that_another_process_is_writing_is_waited_for(
    tmp_path: Path, patience: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.database.sqlite_driver._WAL_WITHIN", patience)
    file = tmp_path / "new.db"
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        if not patience:
            with pytest.raises(TransientError):
                await migrate(f"sqlite:///{file}")
            return
        asyncio.get_running_loop().call_later(0.2, other.execute, "COMMIT")
        assert await migrate(f"sqlite:///{file}") == newest_revision()


def test_two_processes_may_migrate_postgresql_at_once(postgresql: PostgreSql) -> None:
    url = postgresql.create()

    async def both() -> list[str]:
        return list(await asyncio.gather(migrate(url), migrate(url)))

    assert asyncio.run(both()) == [newest_revision()] * 2
    postgresql.drop(url)


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/nothing", "sqlite:////proc/nowhere.db", "postgresql:///x?host=/nowhere"]
)
async def test_a_database_that_is_away_is_a_passing_fault(url: str) -> None:
    database = open_database(url)
    with pytest.raises(TransientError):
        await database.revision()
    with pytest.raises(TransientError):
        await sql_stores(database).approvals.pending()
    await database.close()


async def test_a_locked_sqlite_is_a_passing_fault(database_url: str) -> None:
    holder, waiter = open_database(database_url), open_database(database_url)
    async with holder.writing():
        async with waiter.reading() as connection:
            await connection.execute(text("PRAGMA busy_timeout = 50"))
        with pytest.raises(TransientError):
            await sql_stores(waiter).audit.append(an_audit_event())
        assert await sql_stores(waiter).approvals.pending() == []
    await holder.close()
    await waiter.close()


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgres://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgresql://u:p@h:5/d?sslmode=require", "postgresql+asyncpg://u:p@h:5/d?ssl=require"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_the_usual_forms_of_an_address_are_understood(given: str, opened: str) -> None:
    assert async_url(given).render_as_string(hide_password=False) == opened


def test_another_engine_is_refused_with_the_fields_name() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        open_database("mysql://localhost/x")
