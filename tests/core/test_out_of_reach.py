"""Whether anybody could complete a request: told while it waits, not when its time is over."""

from typing import Any

import pytest

from core.approval import ApprovalRequest, Vote
from core.person import Person
from core.services.membership import out_of_reach
from tests.fakes.clock import START
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_request, a_requirement

ALICE, BOB, DANA, GUEST = "U0ALICE", "U0BOB", "U0DANA", "U0GUEST"
PEOPLE = [Person(id=each, name=each, is_guest=each == GUEST) for each in (ALICE, BOB, DANA, GUEST)]
OF_EACH = {"members_of": {"sre": ("S0SRE",), "payments": ("S0PAY",)}, "seats": {"sre": 1, "payments": 1}, "quorum": 2}


def asked(requester: str, **needed: Any) -> ApprovalRequest:
    members = tuple(each for ids in needed.get("members_of", {}).values() for each in ids)
    groups = tuple(needed.get("members_of", {}))
    return a_request(requester=requester, requirement=a_requirement(members=members, groups=groups, **needed))


def directory(**groups: set[str]) -> InMemoryDirectory:
    return InMemoryDirectory(PEOPLE, {"S0SRE": {ALICE, BOB}, "S0PAY": {DANA}} | groups)


async def test_what_can_be_decided_lacks_nothing() -> None:
    assert await out_of_reach(directory(), asked(BOB, **OF_EACH)) == (0, {})


async def test_the_only_member_of_a_group_asks() -> None:
    assert await out_of_reach(directory(), asked(DANA, **OF_EACH)) == (1, {"payments": 1})


@pytest.mark.parametrize("left", [{GUEST}, set()])
async def test_a_group_of_nobody_who_may_decide(left: set[str]) -> None:
    assert await out_of_reach(directory(S0PAY=left), asked(BOB, **OF_EACH)) == (1, {"payments": 1})


async def test_a_quorum_above_all_who_are_left() -> None:
    needed = {"members_of": {"sre": ("S0SRE",)}, "quorum": 2}
    assert await out_of_reach(directory(), asked(ALICE, **needed)) == (1, {})
    assert await out_of_reach(directory(), asked(DANA, **needed)) == (0, {})


async def test_a_vote_that_was_cast_counts() -> None:
    request = asked(BOB, **OF_EACH)
    vote = Vote(approval_id=request.id, person=DANA, choice="approve", at=START, groups=("payments",))
    assert await out_of_reach(directory(S0PAY=set()), request.model_copy(update={"votes": (vote,)})) == (0, {})


async def test_too_many_to_ask_about_are_taken_to_be_enough() -> None:
    many = {f"U0{number}" for number in range(60)}
    assert await out_of_reach(directory(S0SRE=many, S0PAY=many), asked(BOB, **OF_EACH)) == (0, {})


async def test_a_row_from_before_groups_were_kept_says_nothing() -> None:
    request = a_request(requester=BOB, requirement=a_requirement(members_of={}, quorum=2))
    assert await out_of_reach(directory(), request) == (0, {})
