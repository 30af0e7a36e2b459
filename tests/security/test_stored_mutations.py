"""A thief with the database's password: a thousand single bytes changed in a stored request, and none of them runs."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import open_database
from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.audit import AuditEvent
from core.errors import TransientError
from core.risk import Risk
from core.tampering import digest_of
from core.tool_call import ToolCall, ToolResult
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import FakeClock
from tests.fakes.databases import *
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_request
from tools.environment import Environment, Service, open_http
from tools.guard import Guard
from tools.registry import Registry
from tools.spec import ActArguments, Action, Preview, Stamp, ToolSpec

COLUMNS = ("plan", "digest", "requester", "requirement")


class Write(ActArguments):
    """A few arguments of several types."""

    text: str
    count: int
    share: float
    sure: bool


class Ledger:
    """What really happened."""

    def __init__(self) -> None:
        self.effects: list[Write] = []

    def spec(self) -> ToolSpec[Write]:
        """Return a tool that leaves everything as it is but for a line in the ledger."""

        async def dry_run(args: Write) -> Preview:
            return Preview({"note": "old"}, {"note": args.text}, f"-old\n+{args.text}", 7)

        async def run(args: Write, stamp: Stamp) -> ToolResult:
            self.effects.append(args)
            return ToolResult(status="ok", text="written")

        async def read_back(args: Write, action_id: str) -> ToolResult | None:
            return None

        action: Action[Write] = Action(
            impact="A note.",
            dry_run=dry_run,
            precondition=lambda args, preview: {"resource_version": preview.resource_version, "note": "old"},
            rollback=lambda args, preview: ToolCall(name="write", args={**args.model_dump(), "text": "old"}),
            run=run,
            read_back=read_back,
        )
        return ToolSpec(name="write", description="Writes.", args=Write, risk=Risk.REVERSIBLE, timeout=5, action=action)


class TrustingGuard(Guard):
    """The twin: what the row says now is what was approved."""

    async def _check_grant(self, row: ApprovalRequest, grant: Grant) -> Sequence[AuditEvent]:
        return ()

    def _check_unchanged(self, row: ApprovalRequest, present: Any) -> None:
        pass


@contextmanager
def thief(url: str) -> Iterator[sqlite3.Connection]:
    """Yield a connection that no trigger hinders."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection


def places(row: dict[str, bytes]) -> list[tuple[str, int]]:
    """Return every byte of the row that is under the digest, and of the digest: column and offset."""
    return [(column, at) for column in COLUMNS for at in range(len(row[column]))]


async def mutate(url: str, tmp_path: Path, kind: type[Guard], count: int) -> tuple[Counter[str], Ledger]:
    """Change one byte of an approved request that many times, each time have it carried out, and put it back."""
    ledger, clock, random = Ledger(), FakeClock(), Random(20261122)
    database, http = open_database(url), open_http()
    approvals = SqlApprovals(database, SystemClock())
    environment = Environment(
        [Service(name="checkout", env="prod", url="http://127.0.0.1:9")], None, None, "", http, clock
    )
    outcomes: Counter[str] = Counter()
    audit = InMemoryAudit()
    guard = kind(Registry(environment, [ledger.spec()]), approvals, InMemoryEffects(audit), audit, clock, lambda: False)
    args = {"service": "checkout", "text": "é 🔥 two\nlines", "count": 3, "share": 0.25, "sure": True}
    plan = await guard.plan(ToolCall(name="write", args=args))  # type: ignore[arg-type]
    asked = await approvals.create(a_request(plan=plan))
    assert asked.digest == digest_of(asked)
    await approvals.vote(Vote(approval_id=asked.id, person="U0BOB", choice="approve", at=clock.now()))
    until = clock.now() + asked.requirement.execute_within
    given: dict[str, Any] = {"status": ApprovalStatus.APPROVED, "now": clock.now(), "execute_by": until}
    assert await approvals.claim(asked.id, digest=asked.digest, **given)
    sound = await approvals.load(asked.id)
    await audit.record(sound)
    grant = Grant(approval_id=sound.id, action_id=sound.action_id, digest=sound.digest, until=until)
    with thief(url) as connection:
        stored = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM approvals").fetchone()
        row = {column: value.encode() for column, value in zip(COLUMNS, stored, strict=True)}
        under = places(row)
        while outcomes.total() < count:
            column, at = random.choice(under)
            byte = random.randrange(32, 127) if random.random() < 0.9 else random.randrange(256)
            changed = row[column][:at] + bytes([byte]) + row[column][at + 1 :]
            connection.execute(f"UPDATE approvals SET {column} = CAST(? AS TEXT)", (changed,))
            try:
                if await approvals.load(sound.id) == sound:
                    continue  # the same letter, or the same value in other letters: nothing was changed
                outcomes[(await guard.execute(sound, grant)).status] += 1
            except (ValueError, TransientError):
                outcomes["unreadable"] += 1  # no longer JSON, no longer UTF-8 or no longer a request
            finally:
                connection.execute(f"UPDATE approvals SET {column} = ?", (row[column].decode(),))
            guard._attempts._effects.rows.clear()  # type: ignore[attr-defined]
        assert await approvals.load(sound.id) == sound
        if kind is Guard:
            assert ledger.effects == []
            assert (await guard.execute(sound, grant)).status == "ok"  # as it was approved, it runs
            assert len(ledger.effects) == 1
    await http.aclose()
    await database.close()
    return outcomes, ledger


async def test_a_thousand_single_byte_mutations_of_a_stored_request_are_refused(
    database_url: str, tmp_path: Path
) -> None:
    outcomes, _ = await mutate(database_url, tmp_path, Guard, 1000)
    assert set(outcomes) == {"refused", "unreadable"}
    assert outcomes["refused"] > 300
    assert outcomes.total() == 1000


async def test_the_twin_that_trusts_the_row_is_caught_by_the_same_mutations(database_url: str, tmp_path: Path) -> None:
    outcomes, ledger = await mutate(database_url, tmp_path, TrustingGuard, 100)
    assert outcomes["ok"] > 5
    assert ledger.effects != []
