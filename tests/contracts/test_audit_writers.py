"""However processes append to the history, and however they end: one chain, and nothing acknowledged is missing."""

import asyncio
import random
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import select, text

from bot.adapters.database import audit_log
from bot.adapters.database.audit_check import check_chain
from bot.adapters.database.audit_log import SqlAudit, append_events
from bot.adapters.database.engine import open_database
from bot.adapters.database.migrate import migrate
from bot.adapters.database.models import audit_events
from core.errors import TransientError
from tests.fakes.databases import PostgreSql
from tests.fakes.examples import an_audit_event


@pytest.fixture(params=["sqlite", "postgresql"])
def unguarded_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield a database of the test's own, in which the engine itself neither refuses a fork nor a change."""
    if request.param == "sqlite":
        url = request.getfixturevalue("database_url")
        # Dropped with its table: SQLite has no other way.
        columns = (
            "id INTEGER PRIMARY KEY, kind, actor, subject, incident_id, at, details, previous_hash, hash, sequence"
        )
        asyncio.run(execute(url, "DROP TABLE audit_events", f"CREATE TABLE audit_events ({columns})"))
        yield url
        return
    server: PostgreSql = request.getfixturevalue("postgresql")
    url = server.create()
    asyncio.run(migrate(url))
    table = "ALTER TABLE audit_events"
    asyncio.run(execute(url, f"{table} DROP CONSTRAINT uq_audit_events_sequence", f"{table} DISABLE TRIGGER USER"))
    yield url
    server.drop(url)


async def execute(url: str, *statements: str) -> None:
    database = open_database(url)
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await database.close()


@asynccontextmanager
async def writing(url: str, kind: str, count: int, processes: int = 1) -> AsyncIterator[list[Process]]:
    """Yield writers that have been told to begin; whoever is still there afterwards is killed."""
    command = [sys.executable, "-m", "tests.contracts.audit_writer", url, kind, str(count)]
    writers = [await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE) for _ in range(processes)]
    try:
        for writer in writers:
            assert await line(writer) == "ready"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
        yield writers
    finally:
        for writer in writers:
            if writer.returncode is None:
                writer.kill()
            await writer.communicate()


async def line(writer: Process) -> str:
    assert writer.stdout is not None
    return (await writer.stdout.readline()).decode().strip()


async def rest(writer: Process) -> list[str]:
    assert writer.stdout is not None
    return (await writer.stdout.read()).decode().split()


async def subjects(url: str) -> list[str]:
    database = open_database(url)
    async with database.reading() as connection:
        found = await connection.execute(select(audit_events.c.subject).order_by(audit_events.c.sequence))
        kept = list(found.scalars())
    await database.close()
    return kept


async def killed_while_it_wrote(url: str, kind: str, chance: random.Random) -> list[str]:
    """Kill a writer at some moment of its work; returns what it had been told is kept."""
    async with writing(url, kind, 10_000) as [writer]:
        told = [await line(writer) for _ in range(chance.randint(1, 12))]
        if "half" not in told:
            await asyncio.sleep(chance.random() * 0.006)
        writer.kill()
        told += await rest(writer)
    return [each for each in told if each != "half"]


async def kill_writers(url: str, times: int) -> None:
    seed = random.randrange(2**32)
    chance, told = random.Random(seed), list[str]()
    for _ in range(times):
        told += await killed_while_it_wrote(url, "sound", chance)
        verdict = await check_chain(url)
        assert verdict.intact, (seed, verdict)
    kept = await subjects(url)
    assert set(told) <= set(kept), f"seed {seed}"
    assert len(kept) <= len(told) + times, f"seed {seed}: more than the one append that each was killed in"


async def test_a_writer_that_is_killed_leaves_a_whole_chain_with_all_it_was_told_is_kept(any_database_url: str) -> None:
    await kill_writers(any_database_url, 3)


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_twenty_writers_that_are_killed_leave_a_whole_chain(any_database_url: str) -> None:
    await kill_writers(any_database_url, 20)


async def test_a_writer_that_acknowledges_before_the_commit_is_caught(database_url: str) -> None:
    async with writing(database_url, "early", 1) as [writer]:
        told = await line(writer)
        assert await line(writer) == "half"
    assert told not in await subjects(database_url)


async def test_a_writer_that_fills_the_hash_in_later_is_caught(unguarded_url: str) -> None:
    async with writing(unguarded_url, "late", 1) as [writer]:
        assert await line(writer) == "half"
    assert "row 1 was changed" in (await check_chain(unguarded_url)).faults[0]


async def append_at_once(url: str, rows: int) -> None:
    async with writing(url, "sound", rows // 2, processes=2) as writers:
        told = [each for writer in writers for each in await rest(writer)]
    verdict = await check_chain(url)
    assert (verdict.intact, verdict.rows, verdict.head.sequence) == (True, rows, rows)
    kept = await subjects(url)
    assert sorted(told) == sorted(kept)
    turns = sum(one.split("-")[0] != two.split("-")[0] for one, two in pairwise(kept))
    assert turns > 5, "writers that come one after the other prove nothing"


async def test_two_processes_that_append_at_once_make_one_chain(any_database_url: str) -> None:
    await append_at_once(any_database_url, 200)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_two_processes_that_append_a_thousand_rows_at_once_make_one_chain(any_database_url: str) -> None:
    await append_at_once(any_database_url, 1000)


async def test_writers_that_read_the_head_before_their_turn_are_caught_by_the_check(unguarded_url: str) -> None:
    async with writing(unguarded_url, "torn", 30, processes=2) as writers:
        for writer in writers:
            await rest(writer)
    assert any("stands twice" in fault for fault in (await check_chain(unguarded_url)).faults)


async def test_writers_that_read_the_head_before_their_turn_are_refused_by_the_schema(database_url: str) -> None:
    async with writing(database_url, "torn", 30, processes=2) as writers:
        told = [each for writer in writers for each in await rest(writer)]
    verdict = await check_chain(database_url)
    assert verdict.intact
    assert len(told) == verdict.rows < 60


@pytest.fixture
def postgresql_url(postgresql: PostgreSql) -> str:
    """Return the address of PostgreSQL's migrated database."""
    return postgresql.migrated()


@pytest.mark.parametrize(("limit", "code"), [("wait", "55P03"), ("patience", "08|25P03|InterfaceError")])
async def test_whoever_stops_in_the_middle_of_a_write_does_not_stop_the_others(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, limit: str, code: str
) -> None:
    monkeypatch.setattr(audit_log, "_APPEND", audit_log._append_in_turn(**{limit: "300ms"}))
    stopped, other = open_database(postgresql_url), open_database(postgresql_url)

    async def stop_and_go_on() -> None:
        async with stopped.writing() as connection:
            await append_events(connection, an_audit_event())
            # With the short wait the other one gives up; with the short patience the one that stopped is ended.
            await SqlAudit(other).append(an_audit_event())
            await connection.execute(text("SELECT 1"))

    with pytest.raises(TransientError, match=code):
        await stop_and_go_on()
    await SqlAudit(other).append(an_audit_event())
    assert (await check_chain(postgresql_url)).intact
    await stopped.close()
    await other.close()


async def fill_up(audit: SqlAudit) -> int:
    """Append until there is no room; returns how many are kept."""
    for kept in range(5000):
        try:
            await audit.append(an_audit_event(details={"filling": "x" * 1000}))
        except TransientError:
            return kept
    raise AssertionError("there was always room")


async def test_a_full_database_refuses_whole_rows_and_goes_on_when_there_is_room(database_url: str) -> None:
    database = open_database(database_url)
    async with database.reading() as connection:  # the limit belongs to the connection, and the pool has this one
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages + 20}"))
    audit = SqlAudit(database)
    kept = await fill_up(audit)
    assert (await check_chain(database_url))[:1] == (kept,)
    async with database.reading() as connection:
        await connection.execute(text(f"PRAGMA max_page_count = {pages + 2000}"))
    await audit.append(an_audit_event())
    verdict = await check_chain(database_url)
    assert (verdict.intact, verdict.rows) == (True, kept + 1)
    await database.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that has room for one MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    made = mount and subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if not made or made.returncode != 0:
        pytest.skip("a file system of one MB cannot be mounted here (it takes root)")
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_leaves_no_half_written_chain(small_disk: Path, sqlite_template: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    url = f"sqlite:///{shutil.copy(sqlite_template, small_disk / 'full.db')}"
    database = open_database(url)
    kept = await fill_up(SqlAudit(database))
    await database.close()
    ballast.unlink()  # nothing else is repaired
    again = open_database(url)
    await SqlAudit(again).append(an_audit_event())
    await again.close()
    verdict = await check_chain(url)
    assert (verdict.intact, verdict.rows) == (True, kept + 1)
