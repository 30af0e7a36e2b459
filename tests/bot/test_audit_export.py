"""`audit export` hands out each approval whole, in a form that neither a parser nor a spreadsheet misreads."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.adapters.audit_key import make_key
from bot.adapters.clock import SystemClock
from bot.adapters.database import court_records
from bot.adapters.database.court_records import Wanted, read_cases
from bot.adapters.database.engine import open_database
from bot.bootstrap.stores import Stores
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.court_record import COLUMNS, as_cells, harmless
from core.effect import EffectStatus, output_sha256
from core.evidence import Evidence, Hypothesis
from core.tool_call import ToolCall
from tests.fakes.clock import START
from tests.fakes.databases import *
from tests.fakes.examples import a_report, a_request, an_audit_event, an_effect

NASTY = '=HYPERLINK("https://evil.example","look")'


def a_vote_cast(vote: Vote) -> AuditEvent:
    details = {"choice": vote.choice, "reason": vote.reason}
    return an_audit_event(kind="VoteCast", actor=vote.person, subject=vote.approval_id, at=vote.at, details=details)


async def populate(url: str, count: int = 1) -> list[ApprovalRequest]:
    """Write requests an hour apart: the first was approved and carried out, the rest wait."""
    database = open_database(url)
    stores = Stores.of(database, SystemClock())
    call = ToolCall(name="logs", args={})
    evidence = tuple(
        Evidence(id=name, call=call, status="ok", title="Logs", summary="errors", taken_at=START)
        for name in ("E1", "E2")
    )
    cause = Hypothesis(
        cause="bad_deploy", service="checkout", title="t", confidence=1, evidence_ids=("E2",), reasons=()
    )
    await stores.reports.save(a_report(id="rep_1", evidence=evidence, hypotheses=(cause,)))
    requests: list[ApprovalRequest] = []
    for number in range(count):
        at = START + timedelta(hours=number)
        fields: dict[str, Any] = {"report_id": "rep_1", "reason": NASTY, "created_at": at}
        request = a_request(id=f"apr_{number:04d}", incident_id=f"INC-{number + 1}", **fields)
        requests.append(await stores.approvals.create(request))
        await stores.audit.append(an_audit_event(subject=request.id, details={"digest": request.digest}, at=at))
    first = requests[0]
    vote = Vote(approval_id=first.id, person="U0BOB", choice="approve", at=START + timedelta(minutes=1))
    await stores.approvals.vote(vote, a_vote_cast(vote))
    decided = an_audit_event(kind="ApprovalDecided", subject=first.id, details={"verdict": "approved"})
    await stores.approvals.claim(
        first.id,
        digest=first.digest,
        status=ApprovalStatus.APPROVED,
        now=vote.at,
        execute_by=first.decide_by,
        event=decided,
    )
    begun = {"args": first.plan.call.args}
    await stores.effects.intend(
        an_effect(first), an_audit_event(kind="EffectIntended", subject=first.id, details=begun)
    )
    done = {"output_sha256": output_sha256("restarted", {"pods": 3})}
    await stores.effects.conclude(
        first.action_id,
        status=EffectStatus.DONE,
        text="restarted",
        data={"pods": 3},
        now=START + timedelta(minutes=2),
        event=an_audit_event(kind="EffectDone", subject=first.id, details=done),
    )
    await stores.approvals.finish(
        first.id, status=ApprovalStatus.EXECUTED, text="checkout was restarted", now=START + timedelta(minutes=2)
    )
    await database.close()
    return requests


@pytest.fixture
def bench(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the address of a database that the settings name."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return database_url


def export(*arguments: str) -> int:
    return main(["--env-file", "/nowhere", "audit", "export", *arguments])


@pytest.fixture
def exported(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        capsys.readouterr()
        assert export(*arguments) == 0
        return capsys.readouterr().out

    return run


def test_an_approval_is_told_whole(
    any_database_url: str, exported: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", any_database_url)
    asyncio.run(populate(any_database_url))
    record = json.loads(exported())
    assert tuple(record) == COLUMNS
    told = {name: record[name] for name in ("asked_by", "why", "evidence", "cited_evidence", "status", "outcome")}
    assert told == {
        "asked_by": "U0ALICE",
        "why": NASTY,
        "evidence": ["E1", "E2"],
        "cited_evidence": ["E2"],
        "status": "executed",
        "outcome": "checkout was restarted",
    }
    assert record["votes"] == [
        {**record["votes"][0], "person": "U0BOB", "choice": "approve", "at": "2026-11-02T09:01:00.000000Z"}
    ]
    assert (record["policy_sha256"], record["ran_digest"]) == ("0" * 64, record["digest"])
    assert (record["ran_tool"], record["ran_args"]) == ("restart_service", {"service": "checkout"})
    assert record["output_sha256"] == sha256(b'{"data":{"pods":3},"text":"restarted"}').hexdigest()
    assert record["contradictions"] == []
    history = record["history"]
    assert [row["kind"] for row in history] == [
        "ApprovalRequested",
        "VoteCast",
        "ApprovalDecided",
        "EffectIntended",
        "EffectDone",
    ]
    assert [row["previous_hash"] for row in history[1:]] == [row["hash"] for row in history[:-1]]


def test_what_waits_is_told_as_far_as_it_goes(bench: str, exported: Callable[..., str]) -> None:
    asyncio.run(populate(bench, 2))
    record = json.loads(exported().splitlines()[1])
    assert (record["status"], record["votes"], record["ran_tool"], record["output_sha256"]) == (
        "pending",
        [],
        None,
        None,
    )


def test_csv_holds_the_same_and_nothing_that_a_spreadsheet_would_calculate(
    bench: str, exported: Callable[..., str]
) -> None:
    asyncio.run(populate(bench, 3))
    records = [json.loads(line) for line in exported("--format", "jsonl").splitlines()]
    header, *rows = csv.reader(io.StringIO(exported("--format", "csv")))
    assert tuple(header) == COLUMNS
    assert len(rows) == len(records) == 3
    for row, record in zip(rows, records, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["why"] == f"'{NASTY}"
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
        for name in ("votes", "history", "plan", "evidence"):
            assert json.loads(cells[name]) == record[name]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", "＠a"])
def test_a_formula_is_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


def test_other_text_is_left_alone_and_an_apostrophe_of_its_own_stays_tellable() -> None:
    assert [harmless(cell) for cell in ("a=b", "", "U0BOB", "'=1")] == ["a=b", "", "U0BOB", "''=1"]


def test_without_the_escape_a_formula_would_stand_in_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    record = dict.fromkeys(COLUMNS) | {"why": NASTY}
    assert NASTY not in as_cells(record)
    monkeypatch.setattr("core.court_record.harmless", lambda text: text)
    assert NASTY in as_cells(record)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ((), [0, 1, 2]),
        (("--since", "2026-11-02T10:00:00Z"), [1, 2]),
        (("--until", "2026-11-02T11:00:00+01:00"), [0]),
        (("--since", "2026-11-02", "--until", "2026-11-03"), [0, 1, 2]),
        (("--incident", "INC-2"), [1]),
    ],
)
def test_a_part_can_be_asked_for(
    bench: str, exported: Callable[..., str], arguments: tuple[str, ...], numbers: list[int]
) -> None:
    asyncio.run(populate(bench, 3))
    found = [json.loads(line)["approval_id"] for line in exported(*arguments).splitlines()]
    assert found == [f"apr_{number:04d}" for number in numbers]


def test_an_incident_without_any_is_said_to_have_none(bench: str, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(populate(bench))
    assert export("--incident", "INC-9") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "no approval belongs to incident INC-9; `audit export` without --incident names them all" in told.err


async def test_pages_neither_lose_nor_repeat_a_request(any_database_url: str) -> None:
    requests = await populate(any_database_url, 7)
    for page in (1, 2, 3, 7, 8):
        found = [case.request.id async for case in read_cases(any_database_url, Wanted(), page)]
        assert found == [request.id for request in requests]


async def test_no_more_than_a_page_is_held_at_once(any_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await populate(any_database_url, 5)
    sizes: list[int] = []
    whole = court_records._cases

    async def counted(connection: Any, rows: Any, **more: Any) -> Any:
        sizes.append(len(rows))
        return await whole(connection, rows, **more)

    monkeypatch.setattr(court_records, "_cases", counted)
    assert len([case async for case in read_cases(any_database_url, Wanted(), 2)]) == 5
    assert sizes == [2, 2, 1]


def test_a_file_is_for_its_owner_and_nothing_is_written_over(
    bench: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(populate(bench))
    file = tmp_path / "court.csv"
    assert export("--format", "csv", "--out", str(file)) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    kept = file.read_bytes()
    assert export("--out", str(file)) == 2
    assert "--out" in capsys.readouterr().err
    assert file.read_bytes() == kept


def test_the_public_key_is_printed_and_never_the_private_one(
    bench: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = make_key(tmp_path / "audit.key")
    assert main(["--env-file", "/nowhere", "audit", "key"]) == 0
    assert capsys.readouterr().out == f"ed25519:{key.public.hex()} (key {key.key_id})\n"


@pytest.mark.parametrize("word", ["yesterday", "2026-13-01"])
def test_what_is_no_time_is_refused(word: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        export("--since", word)
    assert refusal.value.code == 2
