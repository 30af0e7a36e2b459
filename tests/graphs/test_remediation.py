"""A proposal's way to its end: nothing runs without the verdict, what ran is verified, what did not help is undone."""

import ast
from typing import Any

import pytest

from core.approval import ApprovalStatus
from core.tool_call import ToolCall, ToolResult
from graphs.remediation.graph import route_after_gate
from tests.fakes.examples import an_alert
from tests.graphs.world import ROOT, World, a_proposal, approval_of

ROLLBACK = ToolCall(name="restart_service", args={"service": "payments"})


def loud(world: World) -> None:
    world.toolbox.answers["metric_query"] = lambda args: ToolResult(
        status="ok", text="1", data={"result": [{"labels": {}, "value": 1.0}]}
    )


async def status(world: World, attempt: int = 1) -> ApprovalStatus:
    return (await world.approvals.load(approval_of(attempt=attempt))).status


async def an_incident(world: World) -> str:
    incident, _ = await world.incidents.join(an_alert(expr="up == 0"), world.clock.now())
    return incident.id


async def test_a_proposal_waits_at_its_gate_with_a_card_and_nothing_run() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    assert await status(world) is ApprovalStatus.PENDING
    assert world.cards.shown == [("approval", approval_of())]
    assert world.toolbox.effects == []


async def test_an_approved_action_runs_once_and_is_called_done_when_the_service_is_well() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    assert await world.runner().resume(await world.vote(approval_of()))
    assert [call.name for _, call in world.toolbox.effects] == ["restart_service"]
    assert await status(world) is ApprovalStatus.EXECUTED
    said = world.cards.said[f"{approval_of()}:end"]
    assert said == "`restart_service(service=checkout)` is done: checkout is running and healthy"


async def test_a_rejected_request_runs_nothing_and_its_card_is_refreshed() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    await world.runner().resume(await world.vote(approval_of(), "reject"))
    assert world.toolbox.effects == []
    assert world.cards.shown[-1] == ("approval", approval_of())


async def test_an_expired_request_runs_nothing() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.approvals.load(approval_of())
    await world.approvals.claim(
        row.id, digest=row.digest, status=ApprovalStatus.EXPIRED, now=world.clock.now(), execute_by=None
    )
    assert await world.runner().resume(await world.approvals.load(row.id))
    assert world.toolbox.effects == []


async def test_a_call_that_policy_denies_is_explained_and_never_asked_for() -> None:
    world = World()
    call = ToolCall(name="set_config", args={"service": "front", "key": "theme", "value": "dark"})
    await world.runner().remediate(a_proposal(call=call))
    assert world.approvals.rows == {}
    assert "Policy does not allow" in world.cards.said[f"{approval_of()}:refused:1"]


async def test_a_call_that_cannot_be_planned_is_explained() -> None:
    world = World()
    world.toolbox.broken = "The supervisor does not answer."
    await world.runner().remediate(a_proposal())
    assert "supervisor does not answer" in world.cards.said[f"{approval_of()}:refused:1"]


async def test_an_action_that_does_not_help_leads_to_a_request_for_its_rollback() -> None:
    world = World(verify_within=0.03)
    world.toolbox.rollbacks["restart_service"] = ROLLBACK
    loud(world)
    await world.runner().remediate(a_proposal(incident_id=await an_incident(world)))
    await world.runner().resume(await world.vote(approval_of()))
    second = await world.approvals.load(approval_of(attempt=2))
    assert second.status is ApprovalStatus.PENDING
    assert second.rollback_of == approval_of()
    assert second.plan.call == ROLLBACK
    assert "did not help" in world.cards.said[f"{approval_of()}:end"]
    assert len(world.toolbox.effects) == 1


async def test_an_executed_rollback_marks_what_it_undid_and_is_not_undone_itself() -> None:
    world = World(verify_within=0.03)
    world.toolbox.rollbacks["restart_service"] = ROLLBACK
    loud(world)
    await world.runner().remediate(a_proposal(incident_id=await an_incident(world)))
    await world.runner().resume(await world.vote(approval_of()))
    await world.runner().resume(await world.vote(approval_of(attempt=2)))
    assert await status(world) is ApprovalStatus.ROLLED_BACK
    assert await status(world, 2) is ApprovalStatus.EXECUTED
    assert set(world.approvals.rows) == {approval_of(), approval_of(attempt=2)}


async def test_the_incidents_signal_decides_and_not_the_tools_word() -> None:
    world = World(verify_within=0.03)
    loud(world)
    await world.runner().remediate(a_proposal(incident_id=await an_incident(world)))
    await world.runner().resume(await world.vote(approval_of()))
    assert "did not help" in world.cards.said[f"{approval_of()}:end"]


async def test_a_service_that_only_falls_silent_has_not_been_helped() -> None:
    world = World(verify_within=0.03)
    world.toolbox.answers["service_status"] = lambda args: ToolResult(
        status="ok", text="starting", data={"status": "starting"}
    )
    await world.runner().remediate(a_proposal(incident_id=await an_incident(world)))
    await world.runner().resume(await world.vote(approval_of()))
    assert "did not help" in world.cards.said[f"{approval_of()}:end"]


async def test_an_unreadable_signal_is_called_unverified_and_leads_to_no_rollback() -> None:
    world = World(verify_within=0.03)
    world.toolbox.rollbacks["restart_service"] = ROLLBACK
    down = ToolResult(status="failed", text="no answer")
    world.toolbox.answers |= {"service_status": lambda args: down, "probe_http": lambda args: down}
    await world.runner().remediate(a_proposal())
    await world.runner().resume(await world.vote(approval_of()))
    assert "could not verify" in world.cards.said[f"{approval_of()}:end"]
    assert len(world.approvals.rows) == 1


async def test_every_way_an_effect_can_end_has_its_word() -> None:
    words = {}
    for given in ("failed", "unknown", "refused"):
        world = World()
        world.toolbox.result = ToolResult(status=given, text="because")
        await world.runner().remediate(a_proposal())
        await world.runner().resume(await world.vote(approval_of()))
        words[given] = (await status(world)).value
        assert "because" in world.cards.said[f"{approval_of()}:end"]
    assert words == {"failed": "failed", "unknown": "unknown", "refused": "not run"}


@pytest.mark.parametrize("verdict", ["Approved", "approved ", "yes", "", "approve", "rejected", "expired", "unknown"])
def test_only_the_exact_word_reaches_the_effect(verdict: str) -> None:
    state: Any = {"verdict": verdict}
    assert route_after_gate(state) == "close"
    assert route_after_gate({**state, "result_status": "ok"}) == "close"
    assert route_after_gate({**state, "verdict": "approved"}) == "execute"
    assert route_after_gate({**state, "verdict": "approved", "result_status": "ok"}) == "record"
    assert route_after_gate({}) == "close"  # type: ignore[typeddict-item]


async def test_a_forged_verdict_in_the_checkpoint_meets_a_row_that_says_pending() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.approvals.load(approval_of())
    forged = row.model_copy(update={"status": ApprovalStatus.APPROVED, "execute_by": row.decide_by})
    await world.runner().resume(forged)
    assert world.toolbox.effects == []


def faults_of_gate(source: str) -> list[str]:
    """Return what a gate must not hold: a try, a second effect, or anything awaited."""
    (gate,) = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    forbidden = (ast.Try, ast.With, ast.AsyncWith, ast.Await, ast.If)
    found = [type(node).__name__ for node in ast.walk(gate) if isinstance(node, forbidden)]
    calls = [ast.unparse(node.func) for node in ast.walk(gate) if isinstance(node, ast.Call)]
    return found + [call for call in calls if call != "interrupt"]


def test_the_gate_waits_and_does_nothing_else() -> None:
    assert faults_of_gate((ROOT / "graphs" / "gate.py").read_text()) == []


def test_a_gate_that_swallows_its_interrupt_would_be_noticed() -> None:
    broken = "def gate(state):\n try:\n  return interrupt(1)\n except Exception:\n  return {'verdict': 'approved'}"
    assert faults_of_gate(broken) == ["Try"]
