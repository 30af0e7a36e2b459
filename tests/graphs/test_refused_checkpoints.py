"""A paused run whose stored state is refused ends in front of a human, and never as something that ran."""

import logging
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from core.approval import ApprovalRequest, ApprovalStatus
from core.errors import CorruptCheckpointError, NeedsHumanError
from core.tool_call import ToolResult
from tests.graphs.world import World, a_brief, a_proposal, approval_of


class RefusingSaver(InMemorySaver):
    """A saver that finds what it has stored unfit to be loaded, from `refusing` on."""

    refusing = False

    async def aget_tuple(self, config: Any) -> Any:
        if self.refusing:
            raise CorruptCheckpointError("the bytes do not decode")
        return await super().aget_tuple(config)


async def a_waiting_request(world: World, choice: str = "approve") -> ApprovalRequest:
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of(), choice)
    world.saver.refusing = True  # pyright: ignore[reportAttributeAccessIssue]
    return row


async def test_an_approved_request_ends_as_unknown_runs_nothing_and_calls_a_human_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(saver=RefusingSaver())
    row = await a_waiting_request(world)
    with caplog.at_level(logging.ERROR, "graphs.runner"):
        for _ in range(2):
            assert not await world.runner().resume(row)
    assert world.toolbox.effects == []
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.UNKNOWN
    assert world.audit.kinds.count("NeedsHuman") == 1
    (said,) = world.cards.said.values()
    assert "tampered" in said
    assert [record.message for record in caplog.records][:1] == ["checkpoint_refused"]


async def test_what_the_ledger_knows_is_the_end_even_when_the_run_is_lost() -> None:
    world = World(saver=RefusingSaver())
    row = await a_waiting_request(world)
    world.toolbox._done[row.action_id] = ToolResult(status="ok", text="restarted")
    await world.runner().resume(row)
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.EXECUTED
    assert world.audit.kinds.count("NeedsHuman") == 0


async def test_a_rejected_request_stays_rejected_and_needs_nobody() -> None:
    world = World(saver=RefusingSaver())
    row = await a_waiting_request(world, "reject")
    assert not await world.runner().resume(row)
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.REJECTED
    assert "NeedsHuman" not in world.audit.kinds


async def test_a_proposal_over_a_refused_run_calls_a_human_and_asks_nobody() -> None:
    world = World(saver=RefusingSaver())
    world.saver.refusing = True  # pyright: ignore[reportAttributeAccessIssue]
    for _ in range(2):
        await world.runner().remediate(a_proposal())
    assert world.approvals.rows == {}
    assert (len(world.cards.said), world.audit.kinds) == (1, ["NeedsHuman"])


async def test_a_question_in_a_thread_whose_memory_is_refused_calls_a_human_for_each_question() -> None:
    world = World(saver=RefusingSaver())
    world.saver.refusing = True  # pyright: ignore[reportAttributeAccessIssue]
    for number in (1, 1, 2):
        with pytest.raises(NeedsHumanError):
            await world.runner().investigate(a_brief("why is checkout slow?", number))
    assert (len(world.cards.said), world.audit.kinds) == (2, ["NeedsHuman", "NeedsHuman"])


async def test_a_saver_that_says_nothing_is_there_starts_the_run_over_in_silence() -> None:
    class Forgetful(RefusingSaver):
        async def aget_tuple(self, config: Any) -> Any:
            return None if self.refusing else await super().aget_tuple(config)

    world = World(saver=Forgetful())
    await world.runner().remediate(a_proposal())
    world.saver.refusing = True  # pyright: ignore[reportAttributeAccessIssue]
    await world.runner().remediate(a_proposal())
    assert "NeedsHuman" not in world.audit.kinds
    assert world.cards.shown.count(("approval", approval_of())) == 2
