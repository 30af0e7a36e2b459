"""What policy says of a request's life: when to remind, who may freeze, and whose word is still missing."""

from datetime import timedelta
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.policy import Policy
from core.risk import Risk
from core.tool_call import Plan, ToolCall
from tests.fakes.examples import a_requirement

GROUPS = {"sre": ["S0SRE"], "dba": ["U0BOB"]}
PLAN = Plan(
    call=ToolCall(name="restart", args={}), risk=Risk.DISRUPTIVE, env="prod", service="checkout", precondition={}
)


def policy(more: dict[str, Any] | None = None, **rule: Any) -> Policy:
    only = {"name": "only", "effect": "approve", "groups": ["sre"], "decide_within": "30m"} | rule
    return Policy.parse(b"", {"version": 1, "groups": GROUPS, "rules": [only]} | (more or {}))


def test_times_to_remind_reach_the_requirement() -> None:
    asked = policy(remind=["5m", "10m", "20m"]).requirement(PLAN)
    assert asked.remind == (timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20))
    assert type(asked).model_validate(asked.model_dump(mode="json")) == asked


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"remind": ["10m", "5m"]}, "remind must rise"),
        ({"remind": ["5m", "5m"]}, "remind must rise"),
        ({"remind": ["5m", "30m"]}, "remind must end before decide_within"),
        ({"remind": ["soon"]}, "remind.0"),
        ({"remind": ["5m"], "effect": "deny"}, "remind is for effect approve"),
    ],
)
def test_times_that_make_no_sense_are_refused_with_the_rules_name(rule: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=f"rule 'only'.*{fault}"):
        policy(**rule)


def test_those_who_may_freeze_are_named_or_are_all_who_approve() -> None:
    assert policy().freezers == {"sre": ("S0SRE",)}
    assert policy({"freeze": {"groups": ["dba"]}}).freezers == {"dba": ("U0BOB",)}


@pytest.mark.parametrize("freeze", [{"groups": ["nobody"]}, {"groups": []}, {"people": ["U0BOB"]}])
def test_a_freeze_that_nobody_could_lift_is_refused(freeze: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="freeze"):
        policy({"freeze": freeze})


@pytest.mark.parametrize(
    ("seats", "quorum", "approvers", "missing"),
    [
        ({}, 2, [], (2, {})),
        ({}, 2, [("a", {"sre"})], (1, {})),
        ({"sre": 1, "dba": 1}, 2, [], (2, {"sre": 1, "dba": 1})),
        ({"sre": 1, "dba": 1}, 2, [("a", {"sre"})], (1, {"dba": 1})),
        ({"sre": 1, "dba": 1}, 2, [("a", {"sre"}), ("b", {"sre"})], (1, {"dba": 1})),
        ({"sre": 1, "dba": 1}, 2, [("a", {"sre", "dba"}), ("b", {"sre"})], (0, {})),
        ({"sre": 2, "dba": 1}, 3, [("a", {"dba"})], (2, {"sre": 2})),
    ],
)
def test_what_is_still_missing_is_counted_in_people_and_in_seats(
    seats: dict[str, int], quorum: int, approvers: list[tuple[str, set[str]]], missing: tuple[int, dict[str, int]]
) -> None:
    asked = a_requirement(seats=seats, quorum=quorum, groups=("sre", "dba"))
    assert asked.missing(approvers) == missing
    assert asked.is_met(approvers) == (missing[0] == 0)
