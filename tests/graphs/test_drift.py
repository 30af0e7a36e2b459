"""A request whose target moves on while it waits ends there, with the reason, before anybody's approval is spent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from core.approval import ApprovalRequest, ApprovalStatus
from core.policy import Policy, PolicyFile
from core.services.drift import DriftWatch
from tests.graphs.world import BOB, POLICY, World, a_proposal, approval_of

MOVED = "version was 1.4.2 and is 1.5.0"


def watch(world: World) -> DriftWatch:
    return DriftWatch(
        world.toolbox, world.desk.policy, world.approvals, world.approvals, world.cards, world.queue, world.clock
    )


async def a_waiting_request(drift: str = "") -> World:
    world = World()
    await world.runner().remediate(a_proposal())
    world.toolbox.drifts["checkout"] = drift
    return world


async def test_what_has_drifted_is_superseded_and_its_thread_hears_why_and_what_to_do() -> None:
    world = await a_waiting_request(MOVED)
    await watch(world).tick()
    row = world.approvals.rows[approval_of()]
    assert (row.status, row.outcome_text) == (
        ApprovalStatus.SUPERSEDED,
        f"Its target has changed since it was asked for: {MOVED}.",
    )
    said = world.cards.said[f"{row.id}:drift"]
    assert MOVED in said
    assert "Ask again" in said
    assert [event.details for event in world.audit.events if event.kind == "ApprovalSuperseded"] == [{"why": MOVED}]


async def test_what_another_policy_has_to_decide_is_superseded_and_can_be_asked_for_anew() -> None:
    world = await a_waiting_request()
    stricter = Policy(PolicyFile.model_validate(POLICY), "1" * 64)
    await replace(watch(world), policy=stricter).tick()
    row = world.approvals.rows[approval_of()]
    assert (row.status, row.outcome_text) == (
        ApprovalStatus.SUPERSEDED,
        "The policy has changed since it was asked for.",
    )
    assert "Ask again" in world.cards.said[f"{row.id}:drift"]


async def test_its_graph_is_told_and_shows_the_card_as_it_is() -> None:
    world = await a_waiting_request(MOVED)
    await watch(world).tick()
    world.cards.shown.clear()
    assert [event.body for event in world.queue.waiting] == [{"approval_id": approval_of()}]
    assert await world.runner().resume(await world.approvals.load(approval_of()))
    assert (world.cards.shown, world.toolbox.effects) == ([("approval", approval_of())], [])


async def test_what_has_not_drifted_waits_on_and_can_be_approved() -> None:
    world = await a_waiting_request()
    await watch(world).tick()
    row = await world.vote(approval_of())
    assert await world.runner().resume(row)
    assert world.approvals.rows[row.id].status is ApprovalStatus.EXECUTED
    assert f"{row.id}:drift" not in world.cards.said


async def test_a_decision_that_came_first_stands() -> None:
    world = await a_waiting_request(MOVED)
    waiting = await world.approvals.pending()
    await world.vote(approval_of(), "reject", BOB)

    class Earlier:
        async def pending(self) -> Sequence[ApprovalRequest]:
            return waiting

    queue: Any = Earlier()
    await DriftWatch(
        world.toolbox, world.desk.policy, world.approvals, queue, world.cards, world.queue, world.clock
    ).tick()
    assert world.approvals.rows[approval_of()].status is ApprovalStatus.REJECTED
    assert f"{approval_of()}:drift" not in world.cards.said


async def test_a_second_look_says_nothing_twice() -> None:
    world = await a_waiting_request(MOVED)
    await watch(world).tick()
    await watch(world).tick()
    assert [event.kind for event in world.audit.events].count("ApprovalSuperseded") == 1
