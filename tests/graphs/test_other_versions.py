"""A run that another version of the graph has begun: what SQL says of it goes on under this one, once."""

from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

import graphs.runner
from core.approval import ApprovalRequest, ApprovalStatus
from core.ids import remediation_thread_id
from graphs.remediation.graph import build_graph
from graphs.runner import thread_config
from tests.graphs.test_lost_redis import approved_it_is_carried_out_once_and_told
from tests.graphs.world import World, a_proposal, approval_of

OLD = "remediation/0"


class OldState(TypedDict):
    """What an earlier version might have remembered."""

    graph_version: str
    approval_id: str
    answer: str


def stopped(state: OldState) -> dict[str, str]:
    raise RuntimeError("the old worker was killed here")


def old_graph(saver: Any, *, crashes: bool = False) -> Any:
    """Return a graph that waits for people at a node of another name, or was killed before it."""
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(OldState)
    graph.add_node("prepare", stopped if crashes else lambda state: {})
    graph.add_node("wait", lambda state: {"answer": interrupt({"approval_id": state["approval_id"]})})
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "wait")
    graph.add_edge("wait", END)
    return graph.compile(checkpointer=saver)


async def begun_by_the_old(world: World, *, crashes: bool = False) -> None:
    """Have the old version begin the run that waits for the example's request."""
    state = {"graph_version": OLD, "approval_id": approval_of(), "answer": ""}
    config = thread_config(remediation_thread_id("rem_1"), 0)
    try:
        await old_graph(world.saver, crashes=crashes).ainvoke(state, config)
    except RuntimeError:
        assert crashes


async def with_a_row(world: World) -> ApprovalRequest:
    """Write the request as the old version did."""
    elsewhere = World(approvals=world.approvals, audit=world.audit, cards=world.cards, queue=world.queue)
    await elsewhere.runner().remediate(a_proposal())
    return await world.approvals.load(approval_of())


async def test_what_waited_under_the_old_version_is_carried_out_by_this_one_once() -> None:
    world = World()
    await with_a_row(world)
    await begun_by_the_old(world)
    await approved_it_is_carried_out_once_and_told(world)


async def test_twin_that_does_not_ask_for_the_version_drops_what_was_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs.runner, "of_this_version", lambda snapshot, version: bool(snapshot.values))
    world = World()
    await with_a_row(world)
    await begun_by_the_old(world)
    row = await world.vote(approval_of())
    assert not await world.runner().resume(row)
    assert world.toolbox.effects == []


async def test_what_was_rejected_under_the_old_version_is_shown_and_nothing_runs() -> None:
    world = World()
    await with_a_row(world)
    await begun_by_the_old(world)
    row = await world.vote(approval_of(), "reject")
    await world.runner().resume(row)
    assert world.toolbox.effects == []
    assert world.cards.shown[-1] == ("approval", row.id)


async def test_what_the_old_version_had_asked_for_when_it_was_killed_waits_under_this_one() -> None:
    world = World()
    await with_a_row(world)
    await begun_by_the_old(world, crashes=True)
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    assert await world.runner().resume(row)
    assert len(world.toolbox.effects) == 1
    assert world.audit.kinds.count("ApprovalRequested") == 1


async def test_what_the_old_version_had_not_asked_for_yet_is_asked_for() -> None:
    world = World()
    await begun_by_the_old(world, crashes=True)
    await world.runner().remediate(a_proposal())
    assert (await world.approvals.load(approval_of())).status is ApprovalStatus.PENDING
    row = await world.vote(approval_of())
    assert await world.runner().resume(row)
    assert len(world.toolbox.effects) == 1


async def test_what_the_old_version_has_ended_is_not_begun_again() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    assert await world.runner().resume(row)
    await _renamed(world)
    await world.runner().remediate(a_proposal())
    assert not await world.runner().resume(await world.approvals.load(row.id))
    assert len(world.toolbox.effects) == 1
    assert list(world.cards.said) == [f"{row.id}:end"]


async def _renamed(world: World) -> None:
    """Make the finished run one of the old version."""
    graph = build_graph().compile(checkpointer=world.saver)
    config = thread_config(remediation_thread_id("rem_1"), 0)
    await graph.aupdate_state(config, {"graph_version": OLD}, as_node="propose_rollback")
