"""Where policy says `undo: allow`, pressing Undo is the approval: of whoever may approve, and of nobody else."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Proposal
from core.errors import ConfigurationError
from core.policy import Policy
from core.requirement import Requirement
from core.services.approval_desk import ApprovalDesk
from core.services.remediation import Remediation
from core.tool_call import ToolCall
from tests.fakes.examples import a_plan, a_request
from tests.fundamentals.test_countersigning import ALICE, BOB, BOT, CAROL, GONE, GUEST
from tests.fundamentals.test_standing_grants import GRANTS, STRICT, Grants
from tests.fundamentals.test_undoing import NoGraphs

ROLLBACK = ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.8.3"})
AT_ONCE: dict[str, Any] = STRICT | {"undo": "allow", "quorum": 2}


def a_desk(**rule: Any) -> Grants:
    desk = Grants()
    desk.use_policy(Policy.parse(b"", GRANTS | {"rules": [AT_ONCE | rule]}))
    return desk


async def undone(desk: Grants, person: str, rollback_of: str | None = None, **plan: Any) -> ApprovalRequest:
    """Press Undo on an executed request and let the graph ask for what comes of it."""
    fields: dict[str, Any] = {"status": ApprovalStatus.EXECUTED, "requester": BOB, "rollback_of": rollback_of}
    done = a_request(plan=a_plan(rollback=ROLLBACK), **fields)
    desk.approvals.rows[done.id] = done
    pressing = Remediation(NoGraphs(), desk.approvals, desk.approvals, desk.queue, desk.clock)  # type: ignore[arg-type]
    await pressing.undo(done.id, person)
    proposal = Proposal.model_validate(desk.queue.waiting[-1].body)
    return await desk.desk.request("apr_undo", a_plan(call=ROLLBACK, **plan), proposal, "remediation:rem_undo")


async def test_whoever_may_approve_undoes_at_once_and_it_is_written_down_as_their_approval() -> None:
    desk = a_desk()
    request = await undone(desk, ALICE)
    assert request.status is ApprovalStatus.APPROVED
    assert [(vote.person, vote.reason) for vote in request.votes] == [(ALICE, "pressed Undo")]
    assert desk.audit.kinds == ["ApprovalRequested", "VoteCast", "ApprovalDecided"]
    assert len(desk.resumed()) == 1


@pytest.mark.parametrize("person", [BOB, GUEST, GONE, BOT])
async def test_whoever_may_not_approve_only_asks_for_it(person: str) -> None:
    desk = a_desk()
    request = await undone(desk, person)
    assert (request.status, request.votes, request.requirement.quorum) == (ApprovalStatus.PENDING, (), 2)
    await desk.desk.vote(request.id, ALICE, "approve")
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_without_the_rule_an_undo_waits_for_others() -> None:
    request = await undone(a_desk(undo="approve"), ALICE)
    assert (request.status, request.requirement.quorum) == (ApprovalStatus.PENDING, 2)


class AnybodysUndo(ApprovalDesk):
    """Broken on purpose: takes every proposal that undoes for one that somebody pressed."""

    async def _for_undo(self, needed: Requirement, proposal: Proposal) -> Requirement:
        return await super()._for_undo(needed, proposal.model_copy(update={"pressed_undo": True}))


@pytest.mark.parametrize(
    ("kind", "status"), [(ApprovalDesk, ApprovalStatus.PENDING), (AnybodysUndo, ApprovalStatus.APPROVED)]
)
async def test_an_undo_that_the_bot_proposes_waits_for_people(kind: type[ApprovalDesk], status: ApprovalStatus) -> None:
    desk = a_desk()
    desk.desk = kind(*(getattr(desk.desk, each.name) for each in fields(ApprovalDesk)))
    assert (await desk.ask(a_plan(call=ROLLBACK), requester=ALICE, rollback_of="apr_1")).status is status
    assert (await desk.ask(a_plan(call=ROLLBACK), requester=ALICE)).status is ApprovalStatus.PENDING


@pytest.mark.parametrize(
    ("kind", "votes", "status"),
    [(ApprovalDesk, 0, ApprovalStatus.PENDING), (AnybodysUndo, 1, ApprovalStatus.APPROVED)],
)
async def test_to_undo_an_undo_makes_a_change_again_and_takes_as_many_as_that_did(
    kind: type[ApprovalDesk], votes: int, status: ApprovalStatus
) -> None:
    desk = a_desk()
    desk.desk = kind(*(getattr(desk.desk, each.name) for each in fields(ApprovalDesk)))
    request = await undone(desk, ALICE, rollback_of="apr_before")
    assert (request.status, len(request.votes), request.requirement.quorum) == (status, votes, 2 - votes)


async def test_a_freeze_holds_an_undo_and_the_press_counts_for_nothing() -> None:
    desk = a_desk()
    desk.frozen = "everything was frozen"
    request = await undone(desk, ALICE)
    assert (request.status, request.votes) == (ApprovalStatus.PENDING, ())
    assert desk.audit.events[-1].details["why"] == "FrozenError"


async def test_whom_the_undo_is_for_does_not_undo_at_once() -> None:
    assert (await undone(a_desk(), ALICE, beneficiary=ALICE)).votes == ()


async def test_whoever_leaves_the_group_before_the_claim_has_undone_nothing() -> None:
    desk = a_desk()
    remembered = desk.people.members

    async def members(ids: Sequence[str], *, fresh: bool = False) -> frozenset[str]:
        left = fresh and "apr_undo" in desk.approvals.rows
        return await remembered(ids) - ({ALICE} if left else set())

    desk.people.members = members  # type: ignore[method-assign]
    assert (await undone(desk, ALICE)).status is ApprovalStatus.PENDING
    assert "VoteVoid" in desk.audit.kinds


@pytest.mark.parametrize("more", [{"second_model": True}, {"typed_confirmation": True}, {"effect": "deny"}])
def test_undo_allow_goes_with_plain_approvals_only(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="undo allow is for effect approve"):
        a_desk(**more)
