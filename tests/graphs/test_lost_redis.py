"""What was decided stands in SQL: a run whose checkpoints are gone goes on from its row, and does so once."""

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from core.approval import ApprovalRequest, ApprovalStatus
from graphs.remediation.rebuilt import rebuilt
from graphs.runner import LangGraphRunner
from tests.graphs.world import World, a_proposal, approval_of


async def waiting() -> World:
    """Return a world where a request waits and Redis has just been emptied."""
    world = World()
    await world.runner().remediate(a_proposal())
    world.saver = InMemorySaver()
    return world


async def test_a_request_approved_after_redis_was_lost_is_carried_out_once_and_told() -> None:
    world = await waiting()
    await approved_it_is_carried_out_once_and_told(world)


async def approved_it_is_carried_out_once_and_told(world: World) -> None:
    row = await world.vote(approval_of())
    assert await world.runner().resume(row)
    assert not await world.runner().resume(row)
    assert len(world.toolbox.effects) == 1
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.EXECUTED
    assert list(world.cards.said) == [f"{row.id}:end"]


async def test_one_that_ran_before_redis_was_lost_is_not_run_again() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    await world.runner().resume(row)
    world.saver = InMemorySaver()
    assert not await world.runner().resume(await world.approvals.load(row.id))
    assert len(world.toolbox.effects) == 1


async def test_one_rejected_after_redis_was_lost_is_shown_and_nothing_runs() -> None:
    world = await waiting()
    row = await world.vote(approval_of(), "reject")
    assert not await world.runner().resume(row)
    assert world.toolbox.effects == []
    assert world.cards.shown[-1] == ("approval", row.id)


async def test_a_row_of_no_run_is_not_made_one() -> None:
    world = await waiting()
    row = await world.vote(approval_of())
    with pytest.raises(ValueError, match="no request of"):
        rebuilt(row.model_copy(update={"id": "apr_of_nobody"}))


class Deaf(LangGraphRunner):
    """Broken on purpose: a run that was lost after its effect is over for it."""

    async def _is_unfinished(self, request: ApprovalRequest) -> bool:
        return False


async def lost_while_verifying(kind: type[LangGraphRunner]) -> tuple[World, ApprovalRequest]:
    """Return a world whose request has run when Redis was lost, and whose verdict was delivered again."""
    world = await waiting()
    row = await world.vote(approval_of())
    context = world.context
    await context.endings.write(row.id, None, "ok", "restarted")
    world.toolbox.effects.append((row.id, row.plan.call))
    row = await world.approvals.load(row.id)
    for _ in range(2):
        await kind(world.saver, context, world.lease).resume(row)
    return world, row


async def test_one_that_ran_is_verified_and_told_once_after_redis_was_lost_meanwhile() -> None:
    world, row = await lost_while_verifying(LangGraphRunner)
    assert list(world.cards.said) == [f"{row.id}:end"]
    assert world.audit.kinds.count("RemediationVerified") == 1
    assert len(world.toolbox.effects) == 1


async def test_a_runner_that_takes_it_for_over_says_nothing_and_is_caught() -> None:
    world, _ = await lost_while_verifying(Deaf)
    assert world.cards.said == {}
