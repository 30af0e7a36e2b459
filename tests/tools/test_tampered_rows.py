"""A thief with the database's password changes who may approve: the guard holds the row against digest and history."""

from datetime import timedelta
from typing import Any

import pytest

from core import tampering
from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.audit import AuditEvent
from core.errors import TamperedError
from core.tampering import digest_of, fault_of
from core.tool_call import ToolCall
from tests.fakes.examples import a_request, a_requirement
from tests.tools.conftest import Bench
from tools import guard as guard_module

TWO = a_requirement(quorum=2, members=("S0SRE", "S0DBA"), seats={"sre": 1}, typed_confirmation=True)
WEAKENED: list[dict[str, Any]] = [
    {"quorum": 1, "seats": {}},
    {"exclude_requester": False},
    {"members": ("U0EVE",), "members_of": {"sre": ("U0EVE",)}},
    {"seats": {}},
    {"typed_confirmation": False},
    {"effect": "allow"},
    {"execute_within": timedelta(days=9)},
    {"people": (("U0EVE", "U0BOB"),)},
    {"digest_version": 1},
]


async def asked(bench: Bench, **fields: Any) -> ApprovalRequest:
    """Return a request that one of two has approved, with its line in the history."""
    plan = await bench.guard().plan(ToolCall(name="restart_service", args={"service": "checkout"}))
    row = a_request(plan=plan, requirement=TWO, created_at=bench.clock.now(), **fields)
    told = AuditEvent(
        kind="ApprovalRequested", actor="U0ALICE", subject=row.id, at=row.created_at, details={"digest": row.digest}
    )
    bench.approvals.audit = bench.audit
    await bench.approvals.create(row, told)
    vote = Vote(approval_id=row.id, person="U0BOB", choice="approve", at=bench.clock.now(), groups=("sre",))
    await bench.approvals.vote(vote)
    return row


async def stolen(bench: Bench, row: ApprovalRequest, change: dict[str, Any], mended: bool) -> Any:
    """Weaken the requirement behind everybody's back, mark the row as approved, and have it carried out."""
    now = bench.clock.now()
    weak = row.model_copy(update={"requirement": row.requirement.model_copy(update=change)})
    digest, until = digest_of(weak) if mended else row.digest, now + timedelta(minutes=5)
    status = {"status": ApprovalStatus.APPROVED, "decided_at": now, "execute_by": until}
    bench.forge(row, requirement=weak.requirement, digest=digest, **status)
    grant = Grant(approval_id=row.id, action_id=row.action_id, digest=digest, until=until)
    return await bench.guard().execute(row, grant)


@pytest.mark.parametrize("mended", [False, True], ids=["digest as it was", "digest mended"])
@pytest.mark.parametrize("change", WEAKENED, ids=lambda change: "+".join(change))
async def test_a_weakened_requirement_is_refused_as_tampering(
    bench: Bench, change: dict[str, Any], mended: bool
) -> None:
    result = await stolen(bench, await asked(bench), change, mended)
    assert result.status == "refused"
    assert result.text.startswith("tampered: The stored request was changed outside Watchkeeper")
    assert bench.peer.effects == []


async def test_the_twin_that_believes_the_row_runs_with_one_vote_of_two(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def believe(*_: object) -> None:
        return

    monkeypatch.setattr(guard_module, "check_untouched", believe)
    monkeypatch.setattr(guard_module, "plan_digest", lambda *_, **__: row.digest)
    row = await asked(bench)
    assert (await stolen(bench, row, WEAKENED[0], mended=False)).status == "ok"
    assert len(bench.peer.effects) == 1


async def test_the_twin_without_a_history_takes_a_mended_digest_for_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tampering, "ASKED", "nothing that history tells of")
    assert (await stolen(bench, await asked(bench), WEAKENED[0], mended=True)).status == "ok"


@pytest.mark.parametrize(
    "change",
    [{"decide_by": timedelta(hours=1)}, {"execute_by": timedelta(hours=1)}],
    ids=["more time to decide", "more time to run"],
)
async def test_longer_clocks_than_policy_set_are_tampering(bench: Bench, change: dict[str, timedelta]) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    assert fault_of(row) == ""
    bench.forge(row, **{name: getattr(row, name) + more for name, more in change.items()})
    result = await bench.guard().execute(row, grant)
    assert (result.status, bench.peer.effects) == ("refused", [])
    assert "clocks" in result.text


async def test_a_row_from_before_is_carried_out_by_the_digest_of_then(bench: Bench) -> None:
    plan = await bench.guard().plan(ToolCall(name="restart_service", args={"service": "checkout"}))
    old = a_request(plan=plan, requirement=a_requirement(digest_version=1), created_at=bench.clock.now())
    await bench.approvals.create(old)
    now = bench.clock.now()
    await bench.approvals.vote(Vote(approval_id=old.id, person="U0BOB", choice="approve", at=now))
    until = now + old.requirement.execute_within
    await bench.approvals.claim(old.id, digest=old.digest, status=ApprovalStatus.APPROVED, now=now, execute_by=until)
    grant = Grant(approval_id=old.id, action_id=old.action_id, digest=old.digest, until=until)
    assert (await bench.guard().execute(old, grant)).status == "ok"


async def test_the_check_names_what_it_is_about(bench: Bench) -> None:
    with pytest.raises(TamperedError, match="who may decide it"):
        await tampering.check_untouched(a_request(digest="f" * 64), bench.audit)


async def test_what_ran_before_the_row_was_changed_ends_as_it_ended(bench: Bench) -> None:
    row, grant = await bench.approved("scale_workers", service="payments", workers=8)
    first = await bench.guard().execute(row, grant)
    bench.forge(row, requirement=row.requirement.model_copy(update={"quorum": 0}))
    again = await bench.guard().execute(row, grant)
    assert (first.status, again.status, len(bench.peer.effects)) == ("ok", "ok", 1)
    assert again.text == first.text
    assert bench.audit.kinds[-1] == "EffectRefused"  # and what was found is on record
