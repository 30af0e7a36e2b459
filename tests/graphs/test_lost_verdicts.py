"""People can vote as soon as the card stands, so a crash just after it must not swallow their verdict."""

from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Proposal
from core.errors import ToolError
from core.services.remediation import Remediation
from core.tool_call import Plan, ToolCall
from graphs.runner import LangGraphRunner
from tests.fakes.queue import InMemoryQueue
from tests.graphs.world import World, a_proposal, approval_of


class DiesAfterTheCard:
    """Cards of a process that dies right after it showed an approval."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def show_approval(self, approval_id: str) -> None:
        await self._real.show_approval(approval_id)
        raise RuntimeError("killed")


async def left_between_card_and_gate(world: World) -> None:
    with pytest.raises(RuntimeError, match="killed"):
        await world.runner(cards=DiesAfterTheCard(world.cards)).remediate(a_proposal())


async def test_a_verdict_given_between_the_card_and_the_gate_is_carried_out_once() -> None:
    world = World()
    await left_between_card_and_gate(world)
    row = await world.vote(approval_of())
    desk = Remediation(world.runner(), world.approvals, world.approvals, world.queue, world.clock)
    await desk.resume(row.id)
    await desk.start(a_proposal())
    await desk.resume(row.id)
    assert len(world.toolbox.effects) == 1
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.EXECUTED


async def test_a_runner_that_only_finishes_the_crashed_run_swallows_the_verdict() -> None:
    class Swallowing(LangGraphRunner):
        async def resume(self, request: ApprovalRequest) -> bool:
            await self.remediate(a_proposal())
            return False

    world = World()
    await left_between_card_and_gate(world)
    row = await world.vote(approval_of())
    broken = Swallowing(world.saver, world.context, world.lease)
    desk = Remediation(broken, world.approvals, world.approvals, world.queue, world.clock)
    await desk.resume(row.id)
    assert world.toolbox.effects == []
    assert await world.approvals.undelivered() == []


async def test_a_rejection_given_there_is_carried_out_too() -> None:
    world = World()
    await left_between_card_and_gate(world)
    row = await world.vote(approval_of(), "reject")
    await world.runner().resume(row)
    await world.runner().remediate(a_proposal())
    assert world.toolbox.effects == []


async def test_an_approved_request_whose_run_has_ended_is_called_unknown_and_shown() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    await world.runner().resume(row.model_copy(update={"status": ApprovalStatus.EXPIRED}))  # its gate has its answer
    await world.runner().resume(row)
    assert world.toolbox.effects == []
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.UNKNOWN
    assert world.cards.shown[-1] == ("approval", row.id)


async def test_a_call_that_could_not_be_prepared_is_prepared_anew_when_it_is_asked_for_again() -> None:
    world = World()
    plan = world.toolbox.plan

    async def away(call: ToolCall) -> Plan:
        raise ToolError("the supervisor does not answer")

    world.toolbox.plan = away
    await world.runner().remediate(a_proposal())
    assert not world.approvals.rows
    world.toolbox.plan = plan
    await world.runner().remediate(a_proposal())
    assert list(world.approvals.rows) == [approval_of()]
    again: Proposal = a_proposal()
    await world.runner().remediate(again)
    assert len(world.approvals.rows) == 1


async def test_a_click_that_a_crash_delivers_again_brings_the_verdict_whose_job_was_never_queued() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    await world.vote(approval_of())
    world.queue = InMemoryQueue()  # killed right after the claim: the decision stands, the job does not
    await world.vote(approval_of())
    await world.vote(approval_of())
    assert [event.kind for event in world.queue.waiting] == ["job.resume"]
