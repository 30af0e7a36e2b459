"""A card says in words who is needed, who has spoken, until when, and by which rule."""

from datetime import timedelta
from typing import Any

import pytest

from bot.blocks.approval_card import ApprovalFacts, approval_text, build_approval_card
from bot.blocks.needs import needs, still_needs, votes_so_far, why_you
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from tests.bot.stage import words
from tests.fakes.clock import START
from tests.fakes.examples import a_request, a_requirement

SEATS: dict[str, Any] = {"groups": ("sre", "dba"), "seats": {"sre": 1, "dba": 1}, "quorum": 2}


def asked(*votes: tuple[str, tuple[str, ...]], requester: str = "U0BOB", **needed: Any) -> ApprovalRequest:
    cast = [
        Vote(approval_id="apr_1", person=person, choice="approve", at=START, groups=groups) for person, groups in votes
    ]
    return a_request(requester=requester, requirement=a_requirement(**needed), votes=tuple(cast))


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ({}, "1 of sre"),
        ({"quorum": 2, "groups": ("sre", "leads")}, "2 of sre or leads, two different people"),
        (SEATS, "1 of sre and 1 of dba, two different people"),
        ({"seats": {"a": 1, "b": 2, "c": 1}, "quorum": 4}, "1 of a, 2 of b and 1 of c, four different people"),
        ({"effect": "allow", "groups": ()}, "nobody: policy allows it"),
    ],
)
def test_who_is_needed_is_said_in_words(needed: dict[str, Any], said: str) -> None:
    assert needs(a_requirement(**needed)) == said


def test_what_is_missing_shrinks_with_every_vote() -> None:
    request = asked(("U0ALICE", ("sre",)), **SEATS)
    assert still_needs(request) == "1 of dba"
    assert votes_so_far(request) == "1 of 2 so far: <@U0ALICE> for sre"
    assert why_you(request, ("sre", "dba")) == "you are in dba, and this still needs 1 of dba"
    assert still_needs(asked(("U0ALICE", ("sre",)), quorum=2)) == "1 more of sre"


def test_two_accounts_of_one_human_are_one_vote() -> None:
    request = asked(("U0ALICE", ("sre",)), ("U0ALICE2", ("sre",)), quorum=2, people=(("U0ALICE", "U0ALICE2"),))
    assert votes_so_far(request).startswith("1 of 2 so far")


def test_the_card_has_seats_votes_both_clocks_rule_and_id() -> None:
    request = asked(("U0ALICE", ("sre",)), **SEATS)
    card = words(build_approval_card(request, ApprovalFacts()))
    decide = int(request.decide_by.timestamp())
    for part in (
        "*Needs 1 of sre and 1 of dba*, two different people, not the requester",
        "*Votes* (1 of 2 to approve, still needs 1 of dba)",
        "<@U0ALICE> approved for sre",
        f"*Decide by*\n<!date^{decide}^{{time}}|",
        f"by <!date^{decide + 300}^{{time}}|",
        "*Policy rule* “disruptive in prod”",
        request.id,
    ):
        assert part in card


def test_nobody_is_kept_from_voting_on_what_an_alert_asked_for() -> None:
    assert "not the requester" not in words(build_approval_card(asked(requester="alert"), ApprovalFacts()))


def test_a_clock_of_tomorrow_has_its_day() -> None:
    request = a_request(decide_by=START + timedelta(hours=13))
    assert "{date_short_pretty} {time}" in words(build_approval_card(request, ApprovalFacts()))


@pytest.mark.parametrize("status", [ApprovalStatus.APPROVED, ApprovalStatus.EXECUTED, ApprovalStatus.FAILED])
def test_what_policy_allowed_says_that_nobody_was_asked(status: ApprovalStatus) -> None:
    needed = a_requirement(effect="allow", rule="harmless", groups=(), members=(), members_of={})
    request = a_request(requirement=needed, status=status)
    assert "*Allowed by policy* (rule “harmless”), nobody was asked." in words(
        build_approval_card(request, ApprovalFacts())
    )
    assert "allowed by policy, nobody was asked" in approval_text(request)
