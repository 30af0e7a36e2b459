"""What a waiting request is told of its target: what would be planned otherwise now, and nothing that is a guess."""

from core.tool_call import ToolCall
from tests.fakes.examples import a_request
from tests.tools.conftest import Bench

ROLLBACK = ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.4.1"})


async def test_a_target_as_it_was_has_not_drifted(bench: Bench) -> None:
    row = a_request(plan=await bench.guard().plan(ROLLBACK))
    assert await bench.guard().drift(row) == ""


async def test_a_target_that_has_moved_on_is_told_with_both_values(bench: Bench) -> None:
    row = a_request(plan=await bench.guard().plan(ROLLBACK))
    target = bench.peer.targets["checkout"]
    target.become(target.state() | {"version": "1.5.0"})
    assert "version was 1.4.2 and is 1.5.0" in await bench.guard().drift(row)


async def test_of_a_plan_of_several_steps_each_is_looked_at(bench: Bench) -> None:
    row = a_request(
        plan=await bench.guard().plan(ToolCall(name="restart_service", args={"service": "front"}), ROLLBACK)
    )
    assert await bench.guard().drift(row) == ""
    target = bench.peer.targets["checkout"]
    target.become(target.state() | {"version": "1.5.0"})
    assert "step 2: " in await bench.guard().drift(row)


async def test_a_target_that_does_not_answer_has_not_drifted(bench: Bench) -> None:
    row = a_request(plan=await bench.guard().plan(ROLLBACK))
    bench.peer.targets.clear()
    assert await bench.guard().drift(row) == ""


async def test_a_later_step_is_left_to_the_moment_before_it_runs(bench: Bench) -> None:
    row = a_request(plan=await bench.guard().plan(ROLLBACK), covered_by="apr_1")
    target = bench.peer.targets["checkout"]
    target.become(target.state() | {"version": "1.5.0"})
    assert await bench.guard().drift(row) == ""
