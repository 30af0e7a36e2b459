"""A pending request that somebody changes in the database ends at once, and everybody hears of it in plain words."""

from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus
from core.errors import TamperedError
from core.ids import approval_id_of
from core.services import approval_desk
from core.services.remediation import Remediation
from core.services.sweeper import Sweeper
from core.tool_call import ToolCall, ToolResult
from tests.fakes.examples import an_alert
from tests.graphs.world import ALICE, BOB, World, a_proposal, approval_of

SAID = "changed outside Watchkeeper"
WEAKER: dict[str, Any] = {"quorum": 0, "exclude_requester": False, "groups": ("everybody",)}


async def waiting(world: World) -> ApprovalRequest:
    """Return a request of an incident that waits at its gate."""
    incident, _ = await world.incidents.join(an_alert(), world.clock.now())
    await world.runner().remediate(a_proposal(incident_id=incident.id))
    return await world.approvals.load(approval_of())


def thief(world: World, row: ApprovalRequest, **changes: Any) -> None:
    world.approvals.rows[row.id] = row.model_copy(update=changes)


async def sweep(world: World) -> None:
    """Tick once, and deliver what is decided to its graph as the worker does."""
    remediation = Remediation(world.runner(), world.approvals, world.approvals, world.queue, world.clock)
    await Sweeper(world.approvals, world.approvals, world.incidents, world.cards, world.queue, world.clock).tick()
    for request in await world.approvals.undelivered():
        await remediation.resume(request.id)


CHANGES: dict[str, dict[str, Any]] = {
    "who may approve": {"requirement": WEAKER},
    "what runs": {"plan": {"call": ToolCall(name="set_config", args={"service": "checkout", "key": "a", "value": 1})}},
    "who asked": {"requester": "U0EVE"},
}


def changed(row: ApprovalRequest, change: dict[str, Any]) -> dict[str, Any]:
    return {
        name: getattr(row, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in change.items()
    }


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_the_sweep_ends_it_and_tells_thread_history_incident_and_operators(change: dict[str, Any]) -> None:
    world = World()
    row = await waiting(world)
    thief(world, row, **changed(row, change))
    await sweep(world)
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.TAMPERED
    assert world.toolbox.effects == []
    assert world.cards.shown[-1] == ("incident", "INC-1")
    assert ("approval", row.id) in world.cards.shown[1:]
    for key in (f"{row.id}:end", f"{row.id}:tampered"):
        assert SAID in world.cards.said[key]
        assert "restart_service(service=checkout)" in world.cards.said[key]  # what was asked for, not what is stored
    kinds = [event.kind for event in await world.audit.of_incident("INC-1")]
    assert kinds.count("TamperingFound") == kinds.count("NeedsHuman") == 1


@pytest.mark.parametrize("person", [ALICE, BOB])
@pytest.mark.parametrize("choice", ["approve", "reject"])
async def test_whoever_votes_before_the_sweep_is_told_and_nothing_is_counted(person: str, choice: str) -> None:
    world = World()
    row = await waiting(world)
    thief(world, row, **changed(row, CHANGES["who may approve"]))
    with pytest.raises(TamperedError, match=SAID):
        await world.vote(row.id, choice, person)
    after = await world.approvals.load(row.id)
    assert (after.status, after.votes) == (ApprovalStatus.TAMPERED, ())
    await sweep(world)
    assert SAID in world.cards.said[f"{row.id}:tampered"]
    assert world.toolbox.effects == []


async def test_the_twin_that_believes_the_row_lets_the_thief_approve_what_they_wrote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def believe(*_: object) -> None:
        return

    monkeypatch.setattr(approval_desk, "check_untouched", believe)
    world = World()
    row = await waiting(world)
    thief(world, row, **changed(row, CHANGES["what runs"]))
    await world.runner().resume(await world.vote(row.id))
    assert [call.name for _, call in world.toolbox.effects] == ["set_config"]


async def test_what_only_the_guard_finds_is_told_as_loudly() -> None:
    world = World()
    row = await waiting(world)
    world.toolbox.result = ToolResult(status="refused", text=f"tampered: The stored request was {SAID}: its clocks.")
    await world.runner().resume(await world.vote(row.id))
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.TAMPERED
    assert SAID in world.cards.said[f"{row.id}:end"]
    assert SAID in world.cards.said[f"{row.id}:tampered"]


async def test_a_lost_run_does_not_keep_it_quiet() -> None:
    world = World()
    row = await waiting(world)
    thief(world, row, **changed(row, CHANGES["who may approve"]))
    with pytest.raises(TamperedError):
        await world.vote(row.id)
    world.saver = type(world.saver)()
    await sweep(world)
    assert SAID in world.cards.said[f"{row.id}:tampered"]


async def test_it_is_not_asked_again_with_what_the_thief_wrote() -> None:
    world = World()
    row = await waiting(world)
    thief(world, row, **changed(row, CHANGES["what runs"]))
    await sweep(world)
    remediation = Remediation(world.runner(), world.approvals, world.approvals, world.queue, world.clock)
    with pytest.raises(Exception, match="nothing to ask again: this request is stopped"):
        await remediation.ask_again(row.id, ALICE)
    assert approval_id_of("rem_1", 2) not in world.approvals.rows
