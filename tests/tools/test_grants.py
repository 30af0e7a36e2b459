"""Nothing runs but what was approved, as it was approved, while it is approved."""

import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from core.approval import ApprovalRequest, ApprovalStatus, Grant
from core.audit import AuditEvent
from core.tool_call import Plan, ToolCall, ToolResult
from tests.tools.conftest import Bench, digest_of
from tests.tools.test_skewed_clocks import Heedless
from tools.guard import Guard


class TrustingGuard(Guard):
    """Broken on purpose: it believes the row and the grant."""

    async def _check_grant(self, row: ApprovalRequest, grant: Grant) -> Sequence[AuditEvent]:
        return ()

    def _check_unchanged(self, row: ApprovalRequest, present: Plan) -> None:
        return


class LateGuard(Guard):
    """Broken on purpose: it looks at nothing but the row's status."""

    def _check_open(self, row: ApprovalRequest, grant: Grant) -> None:
        assert row.status is ApprovalStatus.APPROVED

    async def _check_may_run(self, row: ApprovalRequest, grant: Grant) -> None:
        self._check_open(row, grant)


def refused(result: ToolResult, bench: Bench, why: str) -> None:
    assert result.status == "refused"
    assert why in result.text
    assert bench.peer.effects == []
    assert bench.effects.rows == {}
    assert bench.kinds == ["EffectRefused"]


async def test_an_approved_request_runs_and_tells_what_changed(bench: Bench) -> None:
    row, grant = await bench.approved("scale_workers", service="payments", workers=8)
    result = await bench.guard().execute(row, grant)
    assert result.status == "ok"
    assert "workers 4 -> 8" in result.text
    assert bench.kinds == ["EffectIntended", "EffectDone"]
    (effect,) = bench.peer.effects
    assert effect["action_id"] == row.action_id
    assert effect["by"] == "watchkeeper for U0ALICE, approved by U0BOB"
    assert bench.peer.seen[-1]["resource_version"] == 7
    assert bench.effects.rows[row.action_id].status == "done"


async def test_a_grant_for_another_request_is_none(bench: Bench) -> None:
    row, _ = await bench.approved("restart_service", service="checkout")
    _, other = await bench.approved("restart_service", service="checkout")
    refused(await bench.guard().execute(row, other), bench, "another request")


async def test_a_request_that_is_not_in_the_database_is_refused(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.approvals.rows.clear()
    refused(await bench.guard().execute(row, grant), bench, "no approval request")


@pytest.mark.parametrize("status", [status for status in ApprovalStatus if status is not ApprovalStatus.APPROVED])
async def test_a_request_that_is_not_approved_is_refused_whatever_the_caller_shows(
    bench: Bench, status: ApprovalStatus
) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.forge(row, status=status)
    unknown = status in (ApprovalStatus.EXECUTED, ApprovalStatus.ROLLED_BACK)
    why = "does not know that it was carried out" if unknown else f"is {status.value}, not approved"
    refused(await bench.guard().execute(row, grant), bench, why)


async def test_a_row_that_says_approved_without_the_votes_is_refused(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.forge(row, votes=())
    refused(await bench.guard().execute(row, grant), bench, "votes are not those that the history tells of")


async def test_a_row_whose_votes_are_too_few_is_refused_even_if_the_history_says_the_same(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.forge(row, votes=())
    bench.audit.events.clear()
    await bench.audit.record(await bench.approvals.load(row.id))
    refused(await bench.guard().execute(row, grant), bench, "votes do not add up")


async def test_a_digest_that_differs_in_one_digit_is_refused(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    digest = ("0" if grant.digest[0] != "0" else "1") + grant.digest[1:]
    refused(await bench.guard().execute(row, grant.model_copy(update={"digest": digest})), bench, "tampered: ")


def mutated(plan: Plan, random: Random) -> Plan:
    """Return the plan with one byte of its JSON changed, still a plan and not the same."""
    text = json.dumps(plan.model_dump(mode="json", exclude={"diff", "blast_radius"}))
    while True:
        at = random.randrange(len(text))
        other = text[:at] + chr(random.randrange(32, 127)) + text[at + 1 :]
        try:
            found = Plan.model_validate_json(other)
        except ValidationError:
            continue
        found = found.model_copy(update={"diff": plan.diff, "blast_radius": plan.blast_radius})
        if found != plan:
            return found


async def run_mutations(bench: Bench, guard: Guard, count: int) -> list[ToolResult]:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("scale_workers", {"service": "payments", "workers": 8}),
        ("set_config", {"service": "checkout", "key": "payments_timeout_ms", "value": 2000}),
    ]
    random = Random(20261122)
    results: list[ToolResult] = []
    for index in range(count):
        name, args = calls[index % 2]
        row, grant = await bench.approved(name, **args)
        plan = mutated(row.plan, random)
        # Every other time the thief mends the row's digest as well; the grant still holds what people approved.
        digest = digest_of(plan, row) if index % 4 < 2 else row.digest
        bench.forge(row, plan=plan, digest=digest)
        results.append(await guard.execute(row, grant))
    return results


async def test_two_hundred_single_byte_mutations_of_plans_are_refused(bench: Bench) -> None:
    results = await run_mutations(bench, bench.guard(), 200)
    assert {result.status for result in results} == {"refused"}
    assert bench.peer.effects == []


async def test_a_guard_that_trusts_the_row_is_caught_by_the_same_mutations(bench: Bench) -> None:
    bench.peer.forgiving = False
    await run_mutations(bench, bench.guard(TrustingGuard), 24)
    assert bench.peer.effects != []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("env", "dev"),
        ("service", "front"),
        ("tool_version", "2"),
        ("diff", "nothing to see"),
        ("blast_radius", "harmless"),
        ("rollback", None),
        ("precondition", {}),
        ("precondition", {"resource_version": 8, "workers": 4}),
        ("precondition", {"resource_version": 7, "workers": 4, "extra": 1}),
    ],
)
async def test_what_people_saw_must_be_what_code_finds_even_if_every_digest_was_mended(
    bench: Bench, field: str, value: Any
) -> None:
    row, grant = await bench.approved("scale_workers", service="payments", workers=8)
    plan = row.plan.model_copy(update={field: value})
    digest = digest_of(plan, row)
    bench.forge(row, plan=plan, digest=digest)
    bench.audit.events.clear()
    await bench.audit.record(await bench.approvals.load(row.id))
    result = await bench.guard().execute(row, grant.model_copy(update={"digest": digest}))
    refused(result, bench, "superseded: ")


@pytest.mark.parametrize(("field", "value"), [("requester", "U0MALLORY"), ("requirement", None)])
async def test_another_requester_or_policy_is_another_digest(bench: Bench, field: str, value: Any) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.forge(row, **{field: value or row.requirement.model_copy(update={"policy_sha256": "1" * 64})})
    refused(await bench.guard().execute(row, grant), bench, "tampered: ")


@pytest.mark.parametrize(("seconds", "runs"), [(-1, True), (0, False), (1, False)])
@pytest.mark.parametrize("which", ["execute_by", "until"])
async def test_the_clock_is_exact_to_the_second(bench: Bench, which: str, seconds: int, runs: bool) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    deadline = bench.clock.now() + timedelta(minutes=2)
    if which == "until":
        grant = grant.model_copy(update={"until": deadline})
    else:
        bench.forge(row, execute_by=deadline)
    bench.clock.advance(minutes=2, seconds=seconds)
    result = await bench.guard().execute(row, grant)
    assert (result.status, len(bench.peer.effects)) == (("ok", 1) if runs else ("refused", 0))


async def test_a_row_without_an_execute_by_clock_is_refused(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.forge(row, execute_by=None)
    refused(await bench.guard().execute(row, grant), bench, "run out")


async def test_a_guard_without_clocks_is_caught(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.clock.advance(hours=1)
    assert (await bench.guard(LateGuard).execute(row, grant)).status == "refused", "the ledger asks as well"
    bench.effects = Heedless()
    assert (await bench.guard(LateGuard).execute(row, grant)).status == "ok"
    assert bench.peer.effects != []


async def test_the_clock_is_looked_at_again_after_the_dry_run(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")

    class SlowPlanGuard(Guard):
        async def plan(self, call: ToolCall) -> Plan:
            plan = await super().plan(call)
            bench.clock.advance(minutes=6)
            return plan

    refused(await bench.guard(SlowPlanGuard).execute(row, grant), bench, "run out")


async def test_the_freeze_switch_stops_an_approved_request(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.frozen = True
    refused(await bench.guard().execute(row, grant), bench, "freeze switch")


async def test_a_freeze_switch_that_cannot_be_read_is_on(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")

    async def broken() -> bool:
        raise OSError("no such file")

    guard = Guard(bench.registry(), bench.approvals, bench.effects, bench.audit, bench.clock, broken)
    refused(await guard.execute(row, grant), bench, "freeze switch")


async def test_a_target_that_has_moved_on_makes_the_approval_void(bench: Bench) -> None:
    row, grant = await bench.approved("rollback_deploy", service="checkout", to_version="1.4.1")
    target = bench.peer.targets["checkout"]
    target.become(target.state() | {"version": "1.5.0"})
    result = await bench.guard().execute(row, grant)
    refused(result, bench, "superseded: ")
    assert "resource_version was 7 and is 8" in result.text
    assert "version was 1.4.2 and is 1.5.0" in result.text


async def test_a_guard_blind_to_drift_is_caught_by_the_target_or_by_the_ledger(bench: Bench) -> None:
    row, grant = await bench.approved("scale_workers", service="payments", workers=8)
    bench.peer.targets["payments"].version_number += 1
    bench.peer.forgiving = False  # a target without compare-and-set
    await bench.guard(TrustingGuard).execute(row, grant)
    assert bench.peer.effects != []
