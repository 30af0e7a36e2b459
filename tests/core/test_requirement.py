"""Seats and quorums: every human fills one seat, however many accounts and groups they have."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.requirement import Requirement

GROUPS = ("sre", "dba", "leads")


def requirement(**fields: Any) -> Requirement:
    given: dict[str, Any] = {
        "rule": "r",
        "effect": "approve",
        "groups": GROUPS,
        "members": (),
        "quorum": 1,
        "exclude_requester": True,
        "decide_within": timedelta(minutes=30),
        "execute_within": timedelta(minutes=5),
        "policy_sha256": "p",
    }
    return Requirement(**(given | fields))


@pytest.mark.parametrize(
    ("approvers", "met"),
    [
        ([], False),
        ([("a", {"sre"})], False),
        ([("a", {"sre", "dba"})], False),  # one human in both groups fills one seat
        ([("a", {"sre"}), ("b", {"sre"})], False),
        ([("a", {"sre"}), ("b", {"dba"})], True),
        ([("a", {"sre", "dba"}), ("b", {"sre"})], True),  # a has to take the other seat
        ([("b", {"sre"}), ("a", {"sre", "dba"})], True),
        ([("a", {"sre"}), ("a2", {"dba"})], False),  # two accounts of one human
    ],
)
def test_one_of_each_group_means_two_different_humans(approvers: list[tuple[str, set[str]]], met: bool) -> None:
    two = requirement(quorum=2, seats={"sre": 1, "dba": 1}, people=(("a", "a2"),))
    assert two.is_met(approvers) is met


def test_counting_groups_instead_of_humans_would_be_caught() -> None:
    both = [("a", {"sre", "dba"})]
    assert {"sre", "dba"} <= {group for _, groups in both for group in groups}
    assert not requirement(quorum=2, seats={"sre": 1, "dba": 1}).is_met(both)


approvers = st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from(GROUPS)), max_size=5)
seats = st.dictionaries(st.sampled_from(GROUPS), st.integers(1, 2), max_size=3)


@given(approvers, seats)
def test_the_matching_finds_a_seating_exactly_when_there_is_one(
    who: dict[str, set[str]], wanted: dict[str, int]
) -> None:
    rows = [group for group, count in wanted.items() for _ in range(count)]
    possible = any(
        all(group in who[human] for group, human in zip(rows, order, strict=True))
        for order in permutations(who, len(rows))
    )
    assert requirement(quorum=len(rows), seats=wanted).is_met(who.items()) is possible
