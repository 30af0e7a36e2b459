"""Somebody with the database's own rights rewrites history, and `audit verify` says which row."""

import asyncio
import re
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from bot.__main__ import main
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.models import audit_events
from core.audit import AuditEvent
from core.audit_chain import START, content_of, next_head
from tests.fakes.examples import an_audit_event

ROWS = 10
COLUMNS = "kind, actor, subject, incident_id, at, details, previous_hash, hash"
CHANGES: list[tuple[str, list[str]]] = [
    ("UPDATE audit_events SET actor = 'U0MALLORY' WHERE sequence = 5", ["row 5 was changed"]),
    ("UPDATE audit_events SET incident_id = NULL WHERE sequence = 1", ["row 1 was changed"]),
    ("UPDATE audit_events SET at = '2026-11-02 09:00:00.000001' WHERE sequence = 5", ["row 5 was changed"]),
    ("UPDATE audit_events SET details = '{\"number\": 5}' WHERE sequence = 5", ["row 5 was changed"]),
    ("UPDATE audit_events SET hash = previous_hash WHERE sequence = 10", ["row 10 was changed"]),
    ("DELETE FROM audit_events WHERE sequence = 1", ["row 1 is missing"]),
    ("DELETE FROM audit_events WHERE sequence IN (4, 5, 9)", ["rows 4 to 5 are missing", "row 9 is missing"]),
    (
        "UPDATE audit_events SET details = CASE sequence WHEN 3 THEN '{\"number\":7}' ELSE '{\"number\":3}' END "
        "WHERE sequence IN (3, 7)",
        ["row 3 holds what was written as row 7", "row 7 holds what was written as row 3"],
    ),
    ("UPDATE audit_events SET id = id + 100 WHERE sequence = 5", ["row 5 was put back later"]),
    (
        f"INSERT INTO audit_events (sequence, {COLUMNS}) SELECT 11, {COLUMNS} FROM audit_events WHERE sequence = 5",
        ["row 11 was changed"],
    ),
]
ON_SQLITE: list[tuple[str, list[str]]] = [
    ("UPDATE audit_events SET at = x'00ff' WHERE sequence = 5", ["row 5 was changed"]),
    ("UPDATE audit_events SET details = CAST(x'ff' AS TEXT) WHERE sequence = 5", ["row 5 was changed"]),
    ("UPDATE audit_events SET hash = '' WHERE sequence = 10", ["row 10 was changed"]),
    (
        "UPDATE audit_events SET sequence = 'first' WHERE sequence = 5",
        ["row 5 is missing", "the row with id 5 stands outside the chain"],
    ),
]


@pytest.fixture
def history_url(any_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the address of a history of ten rows, which is also the one in the settings."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", any_database_url)
    asyncio.run(write(any_database_url, ROWS))
    return any_database_url


async def write(url: str, rows: int) -> None:
    database = open_database(url)
    for number in range(1, rows + 1):
        await SqlAudit(database).append(an_audit_event(kind="AlertReceived", details={"number": number}))
    await database.close()


def tamper(url: str, *statements: str) -> None:
    asyncio.run(behind_the_triggers(url, *statements))


async def behind_the_triggers(url: str, *statements: str) -> None:
    database = open_database(url)
    async with database.writing() as connection:
        for off in protection(database):
            await connection.execute(text(off))
        for statement in statements:
            assert (await connection.exec_driver_sql(statement)).rowcount > 0
    await database.close()


def protection(database: Database) -> list[str]:
    if database.engine.dialect.name == "postgresql":
        return ["SET LOCAL session_replication_role = replica"]
    return [f"DROP TRIGGER IF EXISTS audit_events_refuse_{event}" for event in ("update", "delete")]


def verify(*arguments: str) -> int:
    return main(["--env-file", "/nowhere", "audit", "verify", *arguments])


def noted_head(capsys: pytest.CaptureFixture[str]) -> str:
    assert verify() == 0
    found = re.fullmatch(
        r"audit: intact, 10 rows, 0 requests, head (10:[0-9a-f]{64}), \d+\.\d\d s\n", capsys.readouterr().out
    )
    assert found is not None
    return found[1]


def assert_found(capsys: pytest.CaptureFixture[str], faults: list[str], *arguments: str) -> None:
    assert verify(*arguments) == 1
    told = capsys.readouterr()
    assert "NOT INTACT" in told.out
    lines = told.err.splitlines()
    assert len(lines) == len(faults), lines
    assert all(line.startswith(f"audit: {fault}") for line, fault in zip(lines, faults, strict=True)), lines


@pytest.mark.parametrize(("change", "faults"), CHANGES)
def test_each_change_is_found_and_its_row_named(
    history_url: str, capsys: pytest.CaptureFixture[str], change: str, faults: list[str]
) -> None:
    tamper(history_url, change)
    assert_found(capsys, faults)


@pytest.mark.parametrize(("change", "faults"), ON_SQLITE)
def test_what_no_column_may_hold_is_found_too(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: str,
    faults: list[str],
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    asyncio.run(write(database_url, ROWS))
    tamper(database_url, change)
    assert_found(capsys, faults)


def test_a_cut_tail_is_found_by_the_head_that_was_noted(history_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    head = noted_head(capsys)
    assert verify("--expect", head) == 0
    tamper(history_url, "DELETE FROM audit_events WHERE sequence > 7")
    capsys.readouterr()
    assert verify() == 0, "this is why the head has to be noted elsewhere"
    capsys.readouterr()
    assert_found(capsys, ["rows 8 to 10 are missing at the end"], "--expect", head)


def test_a_chain_that_was_computed_anew_is_found_by_the_head_that_was_noted(
    history_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head = noted_head(capsys)
    asyncio.run(compute_anew(history_url))
    assert verify() == 0, "this is why the head has to be noted elsewhere"
    capsys.readouterr()
    assert_found(capsys, ["row 10 is not the one that was noted"], "--expect", head)


async def compute_anew(url: str) -> None:
    await behind_the_triggers(url, "UPDATE audit_events SET actor = 'U0MALLORY' WHERE sequence = 5")
    database, head = open_database(url), START
    async with database.writing() as connection:
        for off in protection(database):
            await connection.execute(text(off))
        for row in (await connection.execute(select(audit_events).order_by(audit_events.c.sequence))).all():
            links = {"previous_hash": head.hash}
            head = next_head(head, content_of(AuditEvent.model_validate(dict(row._mapping))))
            mine = update(audit_events).where(audit_events.c.sequence == row.sequence)
            await connection.execute(mine.values(links | {"hash": head.hash}))
    await database.close()


def test_yesterdays_database_is_found_by_the_head_that_was_noted(
    history_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head = noted_head(capsys)
    tamper(history_url, "DELETE FROM audit_events WHERE sequence > 7")
    asyncio.run(write(history_url, 6))  # and life went on
    assert verify() == 0, "this is why the head has to be noted elsewhere"
    capsys.readouterr()
    assert_found(capsys, ["row 10 is not the one that was noted"], "--expect", head)


def test_rows_in_the_normal_course_agree_with_a_noted_head(
    history_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head = noted_head(capsys)
    asyncio.run(write(history_url, 3))
    assert verify("--expect", head) == 0


def test_an_insert_that_was_rolled_back_leaves_no_gap_that_looks_like_a_deletion(history_url: str) -> None:
    async def break_off() -> None:
        database = open_database(history_url)
        with pytest.raises(ZeroDivisionError):
            await begin_and_break(database)
        await database.close()

    async def begin_and_break(database: Database) -> None:
        async with database.writing() as connection:
            await connection.execute(
                text(
                    f"INSERT INTO audit_events (sequence, {COLUMNS}) SELECT 11, {COLUMNS} "
                    "FROM audit_events WHERE sequence = 5"
                )
            )
            raise ZeroDivisionError

    asyncio.run(break_off())
    asyncio.run(write(history_url, 1))
    assert verify() == 0


@pytest.mark.parametrize("content", [None, b"", b"no database" * 1000])
def test_what_cannot_be_read_is_neither_intact_nor_tampered_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    file = tmp_path / "some.db"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    assert verify() == 2
    assert "watchkeeper: " in capsys.readouterr().err
    assert file.exists() is (content is not None), "a look makes no file"


def test_a_database_that_is_away_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    assert verify() == 2
    assert "cannot be reached" in capsys.readouterr().err


def test_a_head_that_was_noted_wrongly_is_refused() -> None:
    with pytest.raises(SystemExit) as refusal:
        verify("--expect", "10:abc")
    assert refusal.value.code == 2
