"""The tally counts people, and the digest covers everything that decides what runs."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.approval import ApprovalStatus, Choice, Vote, tally
from core.policy import Requirement
from core.risk import Risk
from core.tool_call import Plan, ToolCall, canonical_json, plan_digest

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PLAN = Plan(
    call=ToolCall(name="set_config", args={"service": "checkout", "key": "timeout_ms", "value": 2000}),
    risk=Risk.DISRUPTIVE,
    env="prod",
    service="checkout",
    precondition={"resource_version": 7},
    rollback=ToolCall(name="set_config", args={"service": "checkout", "key": "timeout_ms", "value": 5}),
)


def requirement(quorum: int = 1) -> Requirement:
    return Requirement(
        rule="r",
        effect="approve",
        groups=("sre",),
        members=("S0SRE",),
        quorum=quorum,
        exclude_requester=True,
        decide_within=timedelta(minutes=30),
        execute_within=timedelta(minutes=5),
        policy_sha256="p",
    )


def votes(*given: tuple[str, Choice]) -> list[Vote]:
    return [Vote(approval_id="apr_1", person=person, choice=choice, at=AT) for person, choice in given]


@pytest.mark.parametrize(
    ("quorum", "cast", "status"),
    [
        (1, [], "pending"),
        (1, [("a", "approve")], "approved"),
        (2, [("a", "approve")], "pending"),
        (2, [("a", "approve"), ("a", "approve")], "pending"),
        (2, [("a", "approve"), ("b", "approve")], "approved"),
        (2, [("a", "approve"), ("b", "reject")], "rejected"),
        (1, [("a", "approve"), ("b", "reject")], "rejected"),
    ],
)
def test_distinct_people_count_and_one_reject_ends_it(quorum: int, cast: list[tuple[str, Choice]], status: str) -> None:
    assert tally(requirement(quorum), votes(*cast)) is ApprovalStatus(status)


def test_a_tally_of_votes_instead_of_people_would_be_caught() -> None:
    def broken(quorum: int, cast: list[Vote]) -> bool:
        return len(cast) >= quorum

    twice = votes(("a", "approve"), ("a", "approve"))
    assert broken(2, twice)
    assert tally(requirement(2), twice) is ApprovalStatus.PENDING


@pytest.mark.parametrize(
    "change",
    [
        {"call": ToolCall(name="restart_service", args=PLAN.call.args)},
        {"call": ToolCall(name="set_config", args={**PLAN.call.args, "value": 2001})},
        {"call": ToolCall(name="set_config", args={**PLAN.call.args, "value": "2000"})},
        {"call": ToolCall(name="set_config", args={**PLAN.call.args, "extra": None})},
        {"risk": Risk.REVERSIBLE},
        {"env": "staging"},
        {"service": "payments"},
        {"precondition": {"resource_version": 8}},
        {"rollback": None},
        {"tool_version": "2"},
    ],
)
def test_every_fact_that_decides_what_runs_changes_the_digest(change: dict[str, Any]) -> None:
    before = plan_digest(PLAN, requester="U1", requirement=requirement())
    assert plan_digest(PLAN.model_copy(update=change), requester="U1", requirement=requirement()) != before


def test_requester_and_policy_are_under_the_digest() -> None:
    for version in (1, 2):
        asked = [requirement().model_copy(update={"policy_sha256": sha, "digest_version": version}) for sha in "pq"]
        digests = {plan_digest(PLAN, requester=who, requirement=each) for who in ("U1", "U2") for each in asked}
        assert len(digests) == 4


OTHERS: dict[str, Any] = {
    "rule": "another", "effect": "allow", "groups": ("sre", "dba"), "members": ("S0SRE", "U0EVE"), "quorum": 0,
    "exclude_requester": False, "decide_within": timedelta(days=1), "execute_within": timedelta(days=1),
    "policy_sha256": "q", "exclude_beneficiary": True, "members_of": {"sre": ("U0EVE",)}, "seats": {"dba": 1},
    "people": (("U0EVE", "U0ALICE"),), "second_model": True, "typed_confirmation": True,
    "remind": (timedelta(minutes=1),), "digest_version": 1, "undo": "allow", "steps": "whole", "rollback": "asked",
    "parts": (requirement(),),
}  # fmt: skip


@pytest.mark.parametrize("name", Requirement.model_fields)
def test_everything_that_decides_who_may_approve_is_under_the_digest(name: str) -> None:
    """A field that is new and not in the table above fails here: nothing of a requirement is left out by forgetting."""
    asked = requirement().model_copy(update={"digest_version": 2})
    changed = asked.model_copy(update={name: OTHERS[name]})
    assert plan_digest(PLAN, requester="U1", requirement=changed) != plan_digest(
        PLAN, requester="U1", requirement=asked
    )


def test_the_twin_that_holds_only_the_policys_hash_is_blind_to_a_smaller_quorum() -> None:
    two, one = requirement(2), requirement(1)
    assert two.digest_version == 1
    assert plan_digest(PLAN, requester="U1", requirement=two) == plan_digest(PLAN, requester="U1", requirement=one)


def test_a_row_from_before_keeps_the_digest_that_it_was_written_with() -> None:
    stored = json.loads(requirement().model_dump_json(exclude={"digest_version"}))
    fields = {
        "tool": "set_config", "tool_version": "1", "args": PLAN.call.args, "risk": "disruptive", "env": "prod",
        "service": "checkout", "beneficiary": "", "precondition": {"resource_version": 7}, "requester": "U1",
        "rollback": {"tool": "set_config", "args": {"service": "checkout", "key": "timeout_ms", "value": 5}},
        "policy": "p",
    }  # fmt: skip
    before = hashlib.sha256(canonical_json(fields)).hexdigest()
    assert plan_digest(PLAN, requester="U1", requirement=Requirement.model_validate(stored)) == before


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans(), max_size=6))
def test_the_order_of_arguments_does_not_matter(args: dict[str, Any]) -> None:
    turned = dict(reversed(list(args.items())))
    assert canonical_json(args) == canonical_json(turned)


def test_text_with_a_lone_surrogate_still_has_one_canonical_form() -> None:
    assert canonical_json({"a": "\ud800"}) == b'{"a":"\\ud800"}'


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})
