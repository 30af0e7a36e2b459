"""Nothing runs as a step but what was approved as that step, byte for byte, when its turn has come."""

from collections.abc import Sequence
from random import Random

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Grant
from core.audit import AuditEvent
from core.effect import Effect
from core.ports import Audit
from core.tampering import check_untouched
from core.tool_call import Plan, ToolResult, plan_digest
from tests.graphs.world import approval_of
from tests.steps.stage import THREE, Stage, scale
from tests.tools.test_grants import mutated
from tools.guard import Guard
from tools.order import Order

MUTATIONS = 300


def grant_of(row: ApprovalRequest) -> Grant:
    assert row.execute_by is not None
    return Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=row.execute_by)


def with_plan(row: ApprovalRequest, plan: Plan, *, mended: bool) -> ApprovalRequest:
    digest = plan_digest(plan, requester=row.requester, requirement=row.requirement)
    return row.model_copy(update={"plan": plan, "digest": digest if mended else row.digest})


async def between_steps(guard_class: type[Guard] = Guard) -> Stage:
    """Return a stage on which step 1 is done and step 2 is approved and waits for its job."""
    stage = Stage(guard_class=guard_class)
    await stage.propose(*THREE)
    await stage.approve()
    await stage.remediation().resume(approval_of())
    assert await stage.ends() == ["executed", "approved"]
    return stage


async def attack(stage: Stage, forged: ApprovalRequest) -> ToolResult:
    """Write a row behind everybody's back, carry step 2 out as it then stands, and put the row back."""
    kept = stage.approvals.rows[forged.id]
    stage.approvals.rows[forged.id] = forged
    second = await stage.approvals.load(approval_of(attempt=2))
    result = await stage.toolbox.execute(second, grant_of(second))
    stage.approvals.rows[forged.id] = kept
    return result


async def test_a_changed_byte_of_any_step_is_refused_wherever_it_stands() -> None:
    stage, random = await between_steps(), Random(20261122)
    for number in range(MUTATIONS):
        row = stage.approvals.rows[approval_of(attempt=1 + number % 2)]
        forged = with_plan(row, mutated(row.plan, random), mended=number % 4 < 2)
        result = await attack(stage, forged)
        assert result.status == "refused", (forged.plan, result)
    assert stage.target.done == ["scale payments 8"]


@pytest.mark.parametrize("when", ["before", "between"])
async def test_a_third_step_that_was_changed_after_the_approval_stops_the_plan(when: str) -> None:
    stage = Stage()

    def tamper(call: object = None) -> None:
        row = stage.approvals.rows[approval_of()]
        last = row.plan.then[1].model_copy(update={"call": scale("front", 16)})
        stage.approvals.rows[row.id] = with_plan(
            row, row.plan.model_copy(update={"then": (row.plan.then[0], last)}), mended=False
        )

    await stage.propose(*THREE)
    await stage.approve()
    if when == "before":
        tamper()
    else:
        stage.target.on_act = tamper
    await stage.run()
    assert stage.target.done == [] if when == "before" else ["scale payments 8"]
    if when == "between":  # nor is it undone under what nobody approved: people are called
        assert await stage.overall() is ApprovalStatus.TAMPERED
        assert any("changed outside" in said and "step 1" in said for said in stage.cards.said.values())


class GullibleOrder(Order):
    """Broken on purpose: a row that says it is covered is covered."""

    async def answerable(self, row: ApprovalRequest) -> ApprovalRequest:
        return await self._approvals.load(row.covered_by) if row.covered_by else row


class Unread(Guard):
    """A guard without the check of a row's own digest, so that only its place in the plan is left to be looked at."""

    async def _check_grant(self, row: ApprovalRequest, grant: Grant) -> Sequence[AuditEvent]:
        return ()


class Gullible(Unread):
    """Broken on purpose: it asks nobody whether this is a step of what was approved."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._order = GullibleOrder(self._approvals, self._audit, self._attempts)


@pytest.mark.parametrize(("guard_class", "status"), [(Unread, "refused"), (Gullible, "ok")])
async def test_a_step_that_people_never_saw_is_refused_and_a_guard_that_believes_it_is_caught(
    guard_class: type[Guard], status: str
) -> None:
    stage = await between_steps(guard_class)
    row = stage.approvals.rows[approval_of(attempt=2)]
    other = await stage.toolbox.plan(scale("checkout", 16))
    assert (await attack(stage, with_plan(row, other, mended=True))).status == status


class Hasty(Guard):
    """Broken on purpose: a step does not wait for the one before it."""

    def __init__(self, *args: object, **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]
        self._order = HastyOrder(self._approvals, self._audit, self._attempts)


class HastyOrder(Order):
    async def check_turn(self, row: ApprovalRequest) -> None:
        return

    async def check_read_back(self, row: ApprovalRequest) -> None:
        return


@pytest.mark.parametrize(("guard_class", "status"), [(Guard, "refused"), (Hasty, "ok")])
async def test_a_step_does_not_run_when_the_one_before_is_not_there_and_a_hasty_guard_is_caught(
    guard_class: type[Guard], status: str
) -> None:
    stage = await between_steps(guard_class)
    first = stage.target.ledger[0]
    stage.target.forgets.add(first.action_id)
    second = await stage.approvals.load(approval_of(attempt=2))
    assert (await stage.toolbox.execute(second, grant_of(second))).status == status


async def unread_undone(request: ApprovalRequest, audit: Audit) -> Sequence[AuditEvent]:
    """Break it on purpose: what is undone is believed to be what was done."""
    if request.status is ApprovalStatus.EXECUTED:
        return await audit.of_subject(request.id)
    return await check_untouched(request, audit)


@pytest.mark.parametrize("number", [1, 4], ids=["a step that was done", "a step that nobody knows of"])
@pytest.mark.parametrize("believes", [False, True], ids=["guard", "twin"])
async def test_an_undo_that_was_written_into_the_rows_does_not_run(
    number: int, believes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if believes:
        monkeypatch.setattr("tools.order.check_untouched", unread_undone)
    stage, forged = Stage(), scale("payments" if number == 1 else "checkout", 64)
    stage.target.refuses.add("scale_workers front")
    await stage.propose(*THREE)
    await stage.approve()
    intend = stage.effects.intend

    async def meanwhile(effect: Effect, event: AuditEvent) -> bool:
        if effect.approval_id == approval_of(attempt=3):
            base = stage.approvals.rows[approval_of(attempt=min(number, 2))]
            plan = base.plan.model_copy(update={"rollback": forged, "then": () if number > 2 else base.plan.then})
            made = {"id": approval_of(attempt=number), "plan": plan, "status": ApprovalStatus.EXECUTED}
            stage.approvals.rows[approval_of(attempt=number)] = base.model_copy(update=made)
        return await intend(effect, event)

    stage.effects.intend = meanwhile  # type: ignore[method-assign]
    await stage.run()
    assert (f"scale {forged.args['service']} 64" in stage.target.done) is believes
    assert believes or await stage.overall() is not ApprovalStatus.ROLLED_BACK


async def test_a_plan_stops_where_it_is_when_the_policy_changes() -> None:
    stage = await between_steps()
    stage.policy = "1" * 64
    await stage.run()
    assert stage.target.done == ["scale payments 8"]
    assert await stage.ends() == ["executed", "not run"]
    assert any("policy has changed" in said and "step 1" in said for said in stage.cards.said.values())


@pytest.mark.parametrize("believes", [False, True], ids=["guard", "twin"])
async def test_a_step_that_is_made_an_undo_in_its_row_does_not_skip_the_look_at_the_one_before(
    believes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if believes:
        monkeypatch.setattr("core.tampering.unrecorded", lambda *_: "")
    stage = Stage(steps="each")
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    await stage.approve(2)
    stage.target.forgets.add(stage.target.ledger[0].action_id)
    second = stage.approvals.rows[approval_of(attempt=2)]
    result = await attack(stage, second.model_copy(update={"rollback_of": approval_of()}))
    assert result.status == ("ok" if believes else "refused")


@pytest.mark.parametrize("believes", [False, True], ids=["guard", "twin"])
async def test_what_a_step_left_behind_is_what_the_history_says(
    believes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if believes:
        monkeypatch.setattr("tools.order.of_effect", lambda *_: ())
    stage = Stage()
    await stage.propose(scale("payments", 8), scale("payments", 6))
    await stage.approve()
    await stage.remediation().resume(approval_of())
    stage.target.touch("payments")
    done = stage.effects.rows[stage.approvals.rows[approval_of()].action_id]
    assert isinstance(done.data, dict)
    mended = {**done.data, "resource_version": stage.target.versions["payments"]}
    stage.effects.rows[done.action_id] = done.model_copy(update={"data": mended})
    second = await stage.approvals.load(approval_of(attempt=2))
    result = await stage.toolbox.execute(second, grant_of(second))
    assert result.status == ("ok" if believes else "refused")
    assert believes or "not the one that was written down" in result.text


async def test_a_covered_row_without_the_plans_votes_is_refused() -> None:
    stage = await between_steps()
    row = stage.approvals.rows[approval_of()]
    assert (await attack(stage, row.model_copy(update={"votes": ()}))).status == "refused"


async def test_a_step_by_step_approval_covers_no_later_step() -> None:
    stage = await between_steps()
    row = stage.approvals.rows[approval_of()]
    each = row.requirement.model_copy(update={"steps": "each"})
    assert (await attack(stage, row.model_copy(update={"requirement": each}))).status == "refused"
