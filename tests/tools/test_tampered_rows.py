"""A thief with the database's password changes who may approve: the guard holds the row against digest and history."""

from datetime import timedelta
from typing import Any

import pytest

from core import tampering
from core.approval import ApprovalRequest, ApprovalStatus, Choice, Grant, Vote
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
    async def believe(*_: object) -> tuple[()]:
        return ()

    monkeypatch.setattr(guard_module, "check_untouched", believe)
    monkeypatch.setattr(guard_module, "plan_digest", lambda *_, **__: row.digest)
    row = await asked(bench)
    assert (await stolen(bench, row, WEAKENED[0], mended=False)).status == "ok"
    assert len(bench.peer.effects) == 1


async def test_the_twin_without_a_history_takes_a_mended_digest_for_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tampering, "unrecorded", lambda *_: "")
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
    await bench.audit.record(await bench.approvals.load(old.id))
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
    assert bench.kinds[-1] == "EffectRefused"  # and what was found is on record


ALICE, BOB, CAROL = "U0ALICE", "U0BOB", "U0CAROL"


def ballot(row: ApprovalRequest, person: str, choice: Choice = "approve") -> Vote:
    return Vote(approval_id=row.id, person=person, choice=choice, at=row.created_at, groups=("sre",))


async def a_vote_is_put_there(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """The history knows of one vote of two, and that nothing was decided."""
    await bench.audit.record(row.model_copy(update={"votes": row.votes[:1], "execute_by": None}))
    return row


async def a_vote_is_put_before_the_deciding_one(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """The desk counted a forged vote, and wrote its decision down."""
    await bench.audit.record(row.model_copy(update={"votes": row.votes[1:]}))
    return row


async def a_refusal_is_taken_out(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """Somebody had rejected it."""
    await bench.audit.record(row.model_copy(update={"votes": (*row.votes, ballot(row, "U0DAVE", "reject"))}))
    return row


async def a_refusal_is_turned_round(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """One of the two had rejected it."""
    await bench.audit.record(row.model_copy(update={"votes": (row.votes[0], ballot(row, CAROL, "reject"))}))
    return row


async def an_approval_is_put_there(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """Both had voted, and nobody had decided: it was frozen, say, or a vote had lapsed."""
    await bench.audit.record(row.model_copy(update={"execute_by": None}))
    return row


async def a_rejected_one_is_opened_again(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """Whoever had approved took it back; then the row was made pending, and another hand decided it."""
    await bench.audit.record(row)
    facts: dict[str, Any] = {"verdict": "rejected", "taken_back": ""}
    told = AuditEvent(kind="ApprovalDecided", actor=BOB, subject=row.id, at=row.created_at, details=facts)
    await bench.audit.append(told)
    return row


async def an_old_approval_is_made_young(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """It was approved an hour ago, and had run out since."""
    hour = timedelta(hours=1)
    old = {"created_at": row.created_at - hour, "decided_at": bench.clock.now() - hour}
    await bench.audit.record(row.model_copy(update=old))
    return row


async def a_whole_row_is_put_there(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """Nobody had asked for it."""
    return row


async def a_step_is_put_there(bench: Bench, row: ApprovalRequest) -> ApprovalRequest:
    """It is said to be covered by a plan, and was a request of its own."""
    await bench.audit.record(row)
    bench.forge(row, covered_by="apr_of_a_plan")
    return row


THEFTS = [
    a_vote_is_put_there, a_vote_is_put_before_the_deciding_one, a_refusal_is_taken_out, a_refusal_is_turned_round,
    an_approval_is_put_there, a_rejected_one_is_opened_again, an_old_approval_is_made_young,
    a_whole_row_is_put_there, a_step_is_put_there,
]  # fmt: skip


async def approved_by_two(bench: Bench) -> tuple[ApprovalRequest, Grant]:
    """Return a row as a thief leaves it: whole in itself, approved by two of two."""
    plan = await bench.guard().plan(ToolCall(name="restart_service", args={"service": "checkout"}))
    now = bench.clock.now()
    row = a_request(plan=plan, requirement=a_requirement(quorum=2), created_at=now)
    until = now + row.requirement.execute_within
    approved = {"status": ApprovalStatus.APPROVED, "decided_at": now, "execute_by": until}
    row = row.model_copy(update={"votes": (ballot(row, BOB), ballot(row, CAROL)), **approved})
    bench.approvals.rows[row.id] = row
    return row, Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=until)


async def test_what_two_have_approved_runs(bench: Bench) -> None:
    row, grant = await approved_by_two(bench)
    await bench.audit.record(row)
    assert (await bench.guard().execute(row, grant)).status == "ok"


@pytest.mark.parametrize("theft", THEFTS, ids=lambda theft: theft.__name__)
async def test_what_the_history_does_not_know_runs_nothing(bench: Bench, theft: Any) -> None:
    row, grant = await approved_by_two(bench)
    result = await bench.guard().execute(await theft(bench, row), grant)
    assert (result.status, bench.peer.effects) == ("refused", [])
    assert result.text.startswith("tampered: The stored request was changed outside Watchkeeper")


@pytest.mark.parametrize("theft", THEFTS[:-1], ids=lambda theft: theft.__name__)
async def test_the_twin_that_asks_no_history_runs_it(bench: Bench, theft: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tampering, "unrecorded", lambda *_: "")
    row, grant = await approved_by_two(bench)
    assert (await bench.guard().execute(await theft(bench, row), grant)).status == "ok"
    assert len(bench.peer.effects) == 1


async def test_a_covered_step_gets_no_more_time_than_the_history_tells_of(bench: Bench) -> None:
    now = bench.clock.now()
    step = a_request(covered_by="apr_of_a_plan", created_at=now, decided_at=now)
    await bench.audit.record(step)
    await tampering.check_untouched(step, bench.audit)
    later = step.model_copy(update={"decided_at": now + timedelta(hours=1)})
    with pytest.raises(TamperedError, match="clocks"):
        await tampering.check_untouched(later, bench.audit)


async def test_a_vote_that_comes_between_two_looks_is_no_tampering(bench: Bench) -> None:
    row, _ = await approved_by_two(bench)
    await bench.audit.record(row)
    waits = row.model_copy(update={"status": ApprovalStatus.PENDING, "votes": row.votes[:1], "execute_by": None})
    await tampering.check_untouched(waits, bench.audit)
