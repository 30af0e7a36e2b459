"""Who may decide: identity and membership are looked at when somebody clicks, and again when it is decided."""

import asyncio
from dataclasses import fields, replace
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.eligibility import may_still_approve
from core.errors import AlreadyVotedError, SelfApprovalError
from core.person import Person
from core.policy import Policy, PolicyFile
from core.policy_rules import Asker
from core.risk import Risk
from core.services.approval_desk import ApprovalDesk
from core.tool_call import Plan
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_plan, a_request
from tests.fundamentals.test_countersigning import (
    ALICE,
    BOB,
    BOT,
    CAROL,
    GONE,
    GUEST,
    POLICY,
    Desk,
    YieldingApprovals,
)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def directory_of(desk: Desk) -> InMemoryDirectory:
    assert isinstance(desk.desk.directory, InMemoryDirectory)
    return desk.desk.directory


def the_policy(**changes: Any) -> Policy:
    return Policy.parse(b"", POLICY | changes)


class UncheckedClick(ApprovalDesk):
    """Believes whoever clicks."""

    async def _check(self, *_: object) -> tuple[str, ...]:
        return ("sre",)


class UncheckedDesk(UncheckedClick):
    """Looks at nobody a second time either."""

    async def _standing(self, request: ApprovalRequest) -> list[Vote]:
        return list(request.votes)


def in_place_of(kind: type[ApprovalDesk], desk: ApprovalDesk) -> ApprovalDesk:
    return kind(*(getattr(desk, each.name) for each in fields(ApprovalDesk)))


@pytest.mark.parametrize("person", [ALICE, BOB, GUEST, GONE, BOT])
async def test_a_desk_that_checks_nobody_lets_all_of_them_through(desk: Desk, person: str) -> None:
    request = await desk.asked(requester=ALICE)
    status = (await in_place_of(UncheckedDesk, desk.desk).vote(request, person, "approve")).status
    assert status is ApprovalStatus.APPROVED


@pytest.mark.parametrize("person", [BOB, GUEST, GONE, BOT])
async def test_what_slips_past_the_click_is_caught_where_the_decision_is_claimed(desk: Desk, person: str) -> None:
    request = await desk.asked()
    status = (await in_place_of(UncheckedClick, desk.desk).vote(request, person, "approve")).status
    assert status is ApprovalStatus.PENDING
    assert "VoteVoid" in desk.audit.kinds


async def test_whoever_left_the_group_after_voting_no_longer_counts_when_the_quorum_is_reached(desk: Desk) -> None:
    request = await desk.asked(requester=BOB, plan=a_plan(service="payments"))
    await desk.desk.vote(request, ALICE, "approve")
    directory_of(desk).groups["S0SRE"].discard(ALICE)
    directory_of(desk).people[ALICE] = Person(id=ALICE, name="Alice", is_deactivated=True)
    assert (await desk.desk.vote(request, CAROL, "approve")).status is ApprovalStatus.PENDING
    directory_of(desk).people[BOT] = Person(id=BOT, name="Dana")
    directory_of(desk).groups["S0SRE"].add(BOT)
    assert (await desk.desk.vote(request, BOT, "approve")).status is ApprovalStatus.APPROVED


class OnceRead(YieldingApprovals):
    """Can be made to tell of no vote that comes after one moment."""

    kept: ApprovalRequest | None = None

    async def load(self, approval_id: str) -> ApprovalRequest:
        return self.kept or await super().load(approval_id)


async def both_at_once(*, reads_again: bool) -> Desk:
    """Let two people make up a quorum whose first vote, of somebody who has left since, seems to count with either's:
    each of the two has read the request before the other's vote was written."""
    approvals = OnceRead()
    desk = Desk(approvals=approvals)
    request = await desk.asked(requester=BOB, plan=a_plan(service="payments"))
    people = directory_of(desk).people
    people[BOT] = Person(id=BOT, name="Dana")
    await desk.desk.vote(request, ALICE, "approve")
    people[ALICE] = Person(id=ALICE, name="Alice", is_deactivated=True)
    approvals.kept = None if reads_again else await approvals.load(request)
    votes = (desk.desk.vote(request, person, "approve") for person in (CAROL, BOT))
    await asyncio.gather(*votes, return_exceptions=True)  # whoever comes second hears that it is decided
    approvals.kept = None
    assert "VoteVoid" in desk.audit.kinds
    return desk


async def test_two_votes_at_once_are_counted_together_though_a_third_turns_out_void() -> None:
    assert await (await both_at_once(reads_again=True)).status() is ApprovalStatus.APPROVED


async def test_a_desk_that_did_not_read_again_would_leave_a_full_quorum_waiting() -> None:
    assert await (await both_at_once(reads_again=False)).status() is ApprovalStatus.PENDING


async def test_two_accounts_of_one_human_cannot_countersign_for_each_other(desk: Desk) -> None:
    desk.desk = replace(desk.desk, policy=the_policy(people=[[ALICE, BOB]]))
    directory_of(desk).groups["S0SRE"].add(BOB)
    with pytest.raises(SelfApprovalError):
        await desk.desk.vote(await desk.asked(requester=BOB), ALICE, "approve")


async def test_whom_the_action_is_for_may_not_approve_it(desk: Desk) -> None:
    request = await desk.asked(plan=a_plan(beneficiary=ALICE))
    with pytest.raises(SelfApprovalError, match="for you"):
        await desk.desk.vote(request, ALICE, "approve")
    assert (await desk.desk.vote(request, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_whom_a_later_step_is_for_may_not_approve_the_plan(desk: Desk) -> None:
    later = a_plan(beneficiary=ALICE)
    request = await desk.asked(plan=a_plan(then=(later,)))
    with pytest.raises(SelfApprovalError, match="for you"):
        await desk.desk.vote(request, ALICE, "approve")
    assert not may_still_approve(await desk.approvals.load(request), ALICE)


async def test_a_plan_of_which_only_the_first_step_is_looked_at_is_caught(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Plan, "beneficiaries", property(lambda plan: frozenset({plan.beneficiary} - {""})))
    request = await desk.asked(plan=a_plan(then=(a_plan(beneficiary=ALICE),)))
    assert (await desk.desk.vote(request, ALICE, "approve")).status is ApprovalStatus.APPROVED


@pytest.mark.parametrize("knows", [True, False], ids=["policy's hash", "twin"])
async def test_what_was_let_run_unasked_by_the_last_policy_waits_for_the_next_to_decide(
    desk: Desk, knows: bool
) -> None:
    rule = {"name": "flags", "match": {"tool": "restart_*", "risk": ["reversible"]}, "effect": "allow"}
    free = the_policy(rules=[rule])
    plan = a_plan(risk=Risk.REVERSIBLE)
    later = ("1" * 64, ApprovalStatus.PENDING) if knows else (free.sha256, ApprovalStatus.APPROVED)
    for sha256, status in ((free.sha256, ApprovalStatus.APPROVED), later):
        row = a_request(plan=plan, requirement=free.requirement(plan, Asker()))
        await desk.approvals.create(row)  # and then the process died
        await desk.audit.record(row)
        present = replace(desk.desk, policy=Policy(PolicyFile.model_validate(POLICY), sha256))
        assert (await present.decide_if_allowed(row)).status is status


async def test_what_policy_lets_run_unasked_is_decided_in_its_name_and_written_down(desk: Desk) -> None:
    rule = {"name": "flags", "match": {"tool": "restart_*", "risk": ["reversible"]}, "effect": "allow"}
    desk.desk = replace(desk.desk, policy=the_policy(rules=[rule]))
    request = await desk.desk.approvals.load(await desk.asked(plan=a_plan(risk=Risk.REVERSIBLE)))
    assert request.status is ApprovalStatus.APPROVED
    assert desk.audit.kinds == ["ApprovalRequested", "ApprovalDecided"]
    assert desk.audit.events[-1].actor == "policy"
    assert len(desk.resumed()) == 1


async def test_two_accounts_of_one_human_are_one_approver(desk: Desk) -> None:
    desk.desk = replace(desk.desk, policy=the_policy(people=[[ALICE, BOB]]))
    directory_of(desk).groups["S0SRE"].add(BOB)
    request = await desk.asked(plan=a_plan(service="payments"))
    await desk.desk.vote(request, ALICE, "approve")
    with pytest.raises(AlreadyVotedError, match="another account"):
        await desk.desk.vote(request, BOB, "approve")
    assert (await desk.desk.vote(request, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_a_desk_that_knows_accounts_only_would_count_one_human_twice(desk: Desk) -> None:
    directory_of(desk).groups["S0SRE"].add(BOB)
    request = await desk.asked(plan=a_plan(service="payments"))
    await desk.desk.vote(request, ALICE, "approve")
    assert (await desk.desk.vote(request, BOB, "approve")).status is ApprovalStatus.APPROVED
