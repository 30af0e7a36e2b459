"""The second opinion and its quorum are under the digest: who changes either in the rows has nothing run."""

from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.opinion import Opinion
from core.tool_call import ToolCall, plan_digest
from tests.fakes.examples import a_request, a_requirement
from tests.tools.conftest import Bench
from tests.tools.test_grants import TrustingGuard

DISAGREES = Opinion(answer="disagree", reasons=("E1 points elsewhere.",), by="second")
AGREES = DISAGREES.model_copy(update={"answer": "agree"})


async def approved_by_two(bench: Bench) -> tuple[ApprovalRequest, Grant]:
    plan = await bench.guard().plan(ToolCall(name="restart_service", args={"service": "checkout"}))
    needed = a_requirement(digest_version=2).heeding(DISAGREES, 5)
    digest = plan_digest(plan, requester="U0ALICE", requirement=needed)
    row = a_request(plan=plan, requirement=needed, digest=digest, created_at=bench.clock.now())
    await bench.approvals.create(row)
    now = bench.clock.now()
    for person in ("U0BOB", "U0CAROL"):
        await bench.approvals.vote(Vote(approval_id=row.id, person=person, choice="approve", at=now))
    until = now + needed.execute_within
    await bench.approvals.claim(row.id, digest=digest, status=ApprovalStatus.APPROVED, now=now, execute_by=until)
    row = await bench.approvals.load(row.id)
    await bench.audit.record(row)
    return row, Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=until)


async def test_what_a_disagreement_asked_for_runs_once_two_have_signed(bench: Bench) -> None:
    row, grant = await approved_by_two(bench)
    assert (await bench.guard().execute(row, grant)).status == "ok"


CHANGES: list[dict[str, Any]] = [{"quorum": 1}, {"opinion": AGREES}, {"opinion": None}, {"quorum": 0, "opinion": None}]


@pytest.mark.parametrize("changes", CHANGES)
async def test_an_opinion_or_its_quorum_that_was_changed_in_the_row_runs_nothing(
    bench: Bench, changes: dict[str, Any]
) -> None:
    row, grant = await approved_by_two(bench)
    bench.forge(row, requirement=row.requirement.model_copy(update=changes))
    assert (await bench.guard().execute(row, grant)).status == "refused"
    assert bench.peer.effects == []


async def test_a_guard_that_trusts_the_row_is_caught(bench: Bench) -> None:
    row, grant = await approved_by_two(bench)
    bench.forge(row, requirement=row.requirement.model_copy(update={"quorum": 1, "opinion": None}))
    assert (await bench.guard(TrustingGuard).execute(row, grant)).status == "ok"
    assert len(bench.peer.effects) == 1
