"""An undo is a request of its own, asked for once at a time and as often as it is needed."""

from dataclasses import dataclass, field

import pytest

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Proposal
from core.errors import RefusedError
from core.ids import approval_id_of
from core.services.remediation import Remediation
from core.tool_call import ToolCall
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.clock import FakeClock
from tests.fakes.examples import a_plan, a_request
from tests.fakes.queue import InMemoryQueue

ALICE = "U0ALICE"
ROLLBACK = ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.8.3"})


class NoGraphs:
    """Nothing here runs a graph."""

    async def investigate(self, brief: object) -> None: ...
    async def remediate(self, proposal: Proposal) -> None: ...
    async def resume(self, request: ApprovalRequest) -> bool:
        return False


@dataclass
class Desk:
    """An executed request and the use case around it."""

    approvals: InMemoryApprovals = field(default_factory=InMemoryApprovals)
    queue: InMemoryQueue = field(default_factory=InMemoryQueue)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.remediation = Remediation(NoGraphs(), self.approvals, self.approvals, self.queue, self.clock)  # type: ignore[arg-type]
        self.done = a_request(plan=a_plan(rollback=ROLLBACK), status=ApprovalStatus.EXECUTED)
        self.approvals.rows[self.done.id] = self.done

    async def undo(self) -> list[Proposal]:
        await self.remediation.undo(self.done.id, ALICE)
        return [Proposal.model_validate(event.body) for event in self.queue.waiting]

    def asked(self, proposal: Proposal, status: ApprovalStatus) -> None:
        """Pretend that the graph wrote the undo's request, and how that ended."""
        request = a_request(id=approval_id_of(proposal.remediation_id, 1), rollback_of=self.done.id, status=status)
        self.approvals.rows[request.id] = request


async def test_the_undo_is_the_planned_rollback_asked_for_by_whoever_clicked() -> None:
    [proposal] = await Desk().undo()
    assert (proposal.call, proposal.requester) == (ROLLBACK, ALICE)


async def test_two_clicks_ask_once() -> None:
    desk = Desk()
    await desk.undo()
    with pytest.raises(RefusedError, match="on its way"):
        await desk.undo()
    assert len(desk.queue.waiting) == 1


async def test_an_undo_that_could_not_be_prepared_can_be_asked_for_again() -> None:
    desk = Desk()
    await desk.undo()
    desk.clock.advance(seconds=60)
    first, second = await desk.undo()
    assert first.remediation_id == second.remediation_id


async def test_an_undo_that_waits_is_not_asked_for_again() -> None:
    desk = Desk()
    [proposal] = await desk.undo()
    desk.asked(proposal, ApprovalStatus.PENDING)
    with pytest.raises(RefusedError, match="waits for a decision"):
        await desk.undo()


@pytest.mark.parametrize("ended", [ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED, ApprovalStatus.FAILED])
async def test_an_undo_that_came_to_nothing_can_be_asked_for_again(ended: ApprovalStatus) -> None:
    desk = Desk()
    [first] = await desk.undo()
    desk.asked(first, ended)
    _, second = await desk.undo()
    assert second.remediation_id != first.remediation_id


@pytest.mark.parametrize("status", [ApprovalStatus.PENDING, ApprovalStatus.UNKNOWN, ApprovalStatus.ROLLED_BACK])
async def test_only_what_was_executed_can_be_undone(status: ApprovalStatus) -> None:
    desk = Desk()
    desk.approvals.rows[desk.done.id] = desk.done.model_copy(update={"status": status})
    with pytest.raises(RefusedError, match="nothing to undo"):
        await desk.undo()
