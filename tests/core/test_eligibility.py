"""Whose approval would help, so that nobody is called for a seat that is taken."""

import pytest

from core.approval import Vote
from core.eligibility import may_still_approve, would_help
from tests.fakes.clock import START
from tests.fakes.examples import a_plan, a_request, a_requirement

SEATS = {"groups": ("sre", "dba"), "seats": {"sre": 1, "dba": 1}, "quorum": 2}


@pytest.mark.parametrize(
    ("voter", "person", "groups", "helps"),
    [
        (None, "U0CAROL", {"sre"}, True),
        ({"sre"}, "U0CAROL", {"sre"}, False),
        ({"sre"}, "U0CAROL", {"dba"}, True),
        ({"sre", "dba"}, "U0CAROL", {"sre"}, True),  # the first one takes the other seat then
        ({"sre"}, "U0ALICE", {"dba"}, False),  # has voted
        ({"sre"}, "U0ALICE2", {"dba"}, False),  # the same human
        ({"sre"}, "U0BOB", {"dba"}, False),  # has asked
    ],
)
def test_who_takes_no_seat_does_not_help(voter: set[str] | None, person: str, groups: set[str], helps: bool) -> None:
    cast = [
        Vote(approval_id="apr_1", person="U0ALICE", choice="approve", at=START, groups=tuple(sorted(each)))
        for each in ([voter] if voter else [])
    ]
    needed = a_requirement(**SEATS, people=(("U0ALICE", "U0ALICE2"),))
    request = a_request(requester="U0BOB", requirement=needed, votes=tuple(cast))
    assert would_help(request, person, groups) == helps


def test_who_may_still_approve_is_said_by_the_request_alone() -> None:
    needed = a_requirement(exclude_beneficiary=True)
    request = a_request(requester="U0BOB", requirement=needed, plan=a_plan(beneficiary="U0CAROL"))
    people = ("U0ALICE", "U0BOB", "U0CAROL")
    assert [person for person in people if may_still_approve(request, person)] == ["U0ALICE"]
    free = request.model_copy(update={"requirement": a_requirement(exclude_requester=False)})
    assert all(may_still_approve(free, person) for person in people)
