"""A plan of several steps: approved as policy says, done in order, undone in reverse, and loud when that fails."""

import pytest

from core.approval import ApprovalStatus
from core.errors import RefusedError
from core.ids import again_id_of, undo_id_of
from core.stepped_plan import steps_of
from core.tool_call import ToolCall
from tests.graphs.world import ALICE, BOB, approval_of
from tests.steps.stage import THREE, Stage, restart, scale
from tests.steps.target import SERVICES


async def test_a_plan_approved_as_a_whole_runs_its_steps_in_order_each_under_an_id_of_its_own() -> None:
    stage = Stage()
    await stage.propose(*THREE)
    assert await stage.ends() == ["pending"]
    await stage.approve()
    await stage.run()
    assert stage.target.done == ["scale payments 8", "scale checkout 6", "scale front 5"]
    assert await stage.ends() == ["executed"] * 3
    assert [act.action_id for act in stage.target.ledger] == [row.action_id for row in await stage.rows()]
    assert {act.by for act in stage.target.ledger} == {"watchkeeper for U0BOB, approved by U0ALICE"}


async def test_step_by_step_each_waits_for_people_of_its_own() -> None:
    stage = Stage(steps="each")
    await stage.propose(*THREE)
    for attempt in (1, 2, 3):
        assert await stage.ends() == ["executed"] * (attempt - 1) + ["pending"]
        await stage.approve(attempt)
        await stage.run()
    assert stage.target.done == ["scale payments 8", "scale checkout 6", "scale front 5"]


async def test_a_step_on_what_an_earlier_one_has_changed_runs_on_the_state_that_one_left() -> None:
    stage = Stage()
    await stage.propose(scale("payments", 8), restart("payments"), scale("payments", 6))
    await stage.approve()
    await stage.run()
    assert stage.target.done == ["scale payments 8", "restart payments", "scale payments 6"]
    [row, _, last] = await stage.rows()
    assert row.plan.then[1].precondition == {"resource_version": "as the step before left it", "workers": 8}
    assert last.plan.rollback == scale("payments", 8)


@pytest.mark.parametrize("steps", ["whole", "each"])
@pytest.mark.parametrize("failing", [1, 2])
async def test_a_failing_step_has_those_before_it_undone_in_reverse_each_once(steps: str, failing: int) -> None:
    stage = Stage(steps=steps)
    stage.target.refuses.add(["", "scale_workers checkout", "scale_workers front"][failing])
    await stage.propose(*THREE)
    for attempt in range(1, failing + 2 if steps == "each" else 2):
        await stage.approve(attempt)
        await stage.run()
    undone = ["scale checkout 4", "scale payments 4"][2 - failing :]
    assert stage.target.done == ["scale payments 8", "scale checkout 6"][:failing] + undone
    assert await stage.ends() == ["rolled back"] * failing + ["failed"] + ["executed"] * failing
    assert await stage.overall() is ApprovalStatus.ROLLED_BACK
    assert stage.target.workers == dict.fromkeys(SERVICES, 4)
    assert not any("A human" in said for said in stage.cards.said.values())
    assert any("Nothing of the plan stands" in said for said in stage.cards.said.values())


async def test_a_step_whose_target_has_moved_on_is_refused_and_those_before_it_are_undone() -> None:
    stage = Stage()
    stage.target.on_act = lambda call: stage.target.touch("front") if call == THREE[1] else None
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert await stage.ends() == ["rolled back", "rolled back", "superseded", "executed", "executed"]
    assert stage.target.versions["front"] == 8


async def test_a_failing_undo_is_loud_and_names_what_stands_where() -> None:
    stage = Stage()
    stage.target.refuses |= {"scale_workers front", "scale_workers checkout 4"}
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert await stage.ends() == ["executed", "executed", "failed", "rollback failed"]
    assert await stage.overall() is ApprovalStatus.ROLLBACK_FAILED
    loud = [said for said in stage.cards.said.values() if "ROLLBACK FAILED" in said]
    assert len(loud) == 2  # in the channel and in the thread
    stands = "step 1 (`scale_workers` on payments in prod), step 2 (`scale_workers` on checkout in prod)"
    assert all(stands in said for said in loud)
    assert {"RollbackFailed", "NeedsHuman"} <= set(stage.audit.kinds)


async def test_an_undo_that_would_run_over_somebody_elses_change_is_refused_and_loud() -> None:
    stage = Stage()
    stage.target.refuses.add("scale_workers front")
    stage.target.on_act = lambda call: stage.target.touch("payments") if call == THREE[1] else None
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert await stage.ends() == ["executed", "rolled back", "failed", "executed", "rollback failed"]
    assert stage.target.workers["payments"] == 8


async def test_a_step_that_nobody_can_tell_of_stops_the_plan_and_undoes_nothing() -> None:
    stage = Stage()
    stage.target.loses.add("scale_workers checkout")
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert await stage.ends() == ["executed", "unknown"]
    assert any("A human has to look" in said and "step 1" in said for said in stage.cards.said.values())


async def test_a_step_that_its_target_does_not_bear_out_has_no_next_one() -> None:
    stage = Stage()
    stage.target.on_act = lambda call: stage.target.forgets.add(stage.target.ledger[-1].action_id)
    await stage.propose(*THREE[:2])
    await stage.approve()
    await stage.run()
    assert "scale checkout 6" not in stage.target.done


async def test_a_freeze_between_two_steps_stops_before_the_next_and_undoes_nothing() -> None:
    stage = Stage()

    def freeze(call: ToolCall) -> None:
        stage.is_frozen = True

    stage.target.on_act = freeze
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert stage.target.done == ["scale payments 8"]
    assert await stage.ends() == ["executed", "frozen"]
    assert await stage.overall() is ApprovalStatus.FROZEN
    assert any("the plan stopped" in said and "step 1" in said for said in stage.cards.said.values())


async def test_a_step_does_not_begin_after_the_plans_deadline() -> None:
    stage = Stage()
    stage.target.on_act = lambda call: stage.clock.advance(minutes=6) and None
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert await stage.ends() == ["executed", "ran out"]


async def test_a_rejected_step_leaves_what_was_done_and_says_so() -> None:
    stage = Stage(steps="each")
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    await stage.desk.vote(approval_of(attempt=2), ALICE, "reject")
    await stage.run()
    assert await stage.ends() == ["executed", "rejected"]
    assert "step 1" in stage.cards.said[f"{approval_of(attempt=2)}:end"]


async def test_where_policy_wants_it_each_undo_is_asked_for() -> None:
    stage = Stage(undo="asked")
    stage.target.refuses.add("scale_workers front")
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    assert await stage.ends() == ["executed", "executed", "failed", "pending"]
    await stage.approve(4)
    await stage.run()
    assert await stage.ends() == ["executed", "rolled back", "failed", "executed", "pending"]
    await stage.approve(5)
    await stage.run()
    assert stage.target.done[2:] == ["scale checkout 4", "scale payments 4"]


async def test_undo_of_a_done_plan_is_one_request_of_its_undos_in_reverse() -> None:
    stage = Stage()
    await stage.propose(THREE[0], restart("front"), THREE[1])
    await stage.approve()
    await stage.run()
    await stage.remediation().undo(approval_of(), ALICE)
    await stage.run()
    first = approval_of(undo_id_of(approval_of(), 1))
    asked = await stage.approvals.load(first)
    assert [step.call for step in steps_of(asked.plan)] == [scale("checkout", 4), scale("payments", 4)]
    await stage.desk.vote(first, BOB, "approve")
    await stage.run()
    assert stage.target.done[3:] == ["scale checkout 4", "scale payments 4"]
    assert await stage.ends() == ["rolled back", "executed", "rolled back"]
    assert await stage.overall() is ApprovalStatus.ROLLED_BACK
    with pytest.raises(RefusedError, match="nothing to undo"):
        await stage.remediation().undo(approval_of(), ALICE)


async def test_a_running_plan_is_not_undone() -> None:
    stage = Stage(steps="each")
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    with pytest.raises(RefusedError, match="still"):
        await stage.remediation().undo(approval_of(), ALICE)


async def test_what_a_freeze_has_stopped_is_asked_again_from_there_on() -> None:
    stage = Stage()
    stage.target.on_act = lambda call: setattr(stage, "is_frozen", True)
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    stage.is_frozen, stage.target.on_act = False, lambda call: None
    await stage.remediation().ask_again(approval_of(attempt=2), BOB)
    await stage.run()
    again = await stage.approvals.load(approval_of(again_id_of(approval_of(attempt=2))))
    assert [step.call for step in steps_of(again.plan)] == [*THREE[1:]]
