"""Rules are data: first match wins, no match denies, and a faulty file never becomes a policy."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.policy import Condition, ConditionError, Policy
from core.policy_rules import Asker
from core.risk import Risk
from core.tool_call import Plan, ToolCall

GOOD: dict[str, Any] = {
    "version": 1,
    "groups": {"sre": ["S0SRE"], "leads": ["U0ALICE", "U0CAROL"]},
    "rules": [
        {"name": "never destroy", "match": {"risk": ["destructive"]}, "effect": "deny"},
        {
            "name": "payments needs two",
            "match": {"service": "payments", "env": "prod"},
            "effect": "approve",
            "groups": ["leads"],
            "quorum": 2,
            "decide_within": "10m",
            "execute_within": "90s",
        },
        {"name": "sre", "match": {"risk": ["reversible", "disruptive"]}, "effect": "approve", "groups": ["sre"]},
    ],
}


def plan(
    *, tool: str = "restart_service", risk: Risk = Risk.DISRUPTIVE, env: str = "prod", service: str = "checkout"
) -> Plan:
    return Plan(
        call=ToolCall(name=tool, args={"service": service}), risk=risk, env=env, service=service, precondition={}
    )


def policy(**changes: Any) -> Policy:
    return Policy.parse(b"as written", GOOD | changes)


@pytest.mark.parametrize(
    ("asked", "rule", "effect"),
    [
        (plan(), "sre", "approve"),
        (plan(service="payments"), "payments needs two", "approve"),
        (plan(service="payments", risk=Risk.DESTRUCTIVE), "never destroy", "deny"),
        (plan(risk=Risk.READ), "no rule matches", "deny"),
    ],
)
def test_the_first_rule_that_matches_decides(asked: Plan, rule: str, effect: str) -> None:
    requirement = policy().requirement(asked)
    assert (requirement.rule, requirement.effect) == (rule, effect)


def test_a_requirement_carries_people_clocks_and_the_policy_hash() -> None:
    requirement = policy().requirement(plan(service="payments"))
    assert requirement.members == ("U0ALICE", "U0CAROL")
    assert requirement.quorum == 2
    assert (requirement.decide_within, requirement.execute_within) == (timedelta(minutes=10), timedelta(seconds=90))
    assert requirement.exclude_requester
    assert len(requirement.policy_sha256) == 64


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": 2}, "version"),
        ({"rules": []}, "rules"),
        ({"typo": 1}, "typo"),
        ({"rules": [{"name": "x", "effect": "approve", "groups": ["nobody"]}]}, "unknown group 'nobody'"),
        ({"rules": [{"name": "x", "effect": "approve"}]}, "at least one group"),
        ({"rules": [{"name": "x", "effect": "perhaps"}]}, "effect"),
        ({"rules": [{"name": "x", "effect": "approve", "groups": ["leads"], "quorum": 3}]}, "wants 3 approvers"),
        ({"rules": [{"name": "x", "effect": "deny"}, {"name": "x", "effect": "deny"}]}, "unique"),
        ({"rules": [{"name": "x", "effect": "approve", "groups": ["sre"], "decide_within": "soon"}]}, "decide_within"),
        ({"rules": [{"name": "x", "effect": "approve", "groups": ["sre"], "decide_within": "0s"}]}, "decide_within"),
    ],
)
def test_a_faulty_file_is_refused_in_one_line_that_names_the_place(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        policy(**changes)
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=8), x, max_size=3),
        max_leaves=8,
    )
)
def test_rubbish_is_a_configuration_error_and_nothing_else(rubbish: object) -> None:
    with pytest.raises(ConfigurationError):
        Policy.parse(b"", rubbish)


def a_rule(**fields: Any) -> dict[str, Any]:
    return {"name": "r", "effect": "approve", "groups": ["leads"]} | fields


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (a_rule(quorum={"sre": 1, "dba": 1}), "unknown group 'dba'"),
        (a_rule(quorum={"leads": 3}), "wants 3 approvers"),
        (a_rule(quorum=0), "quorum must be"),
        (a_rule(effect="allow"), "must name its tool"),
        (a_rule(effect="allow", match={"tool": "scale"}), "must not cover disruptive or destructive"),
        (a_rule(match={"requester": ["nobody"]}), "unknown group 'nobody'"),
        (a_rule(match={"when": "args.replicas > 1"}), "rule 'r': match.when"),
        (a_rule(match={"toool": "x"}), "rule 'r': match.toool"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused_by_its_name(rule: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        policy(rules=[rule])
    assert told in str(refusal.value)


def test_a_rule_may_look_at_who_asked() -> None:
    rules = [a_rule(name="own", match={"requester": ["leads"]}), a_rule(name="machine", match={"requester": ["alert"]})]
    found = policy(rules=rules)
    assert found.requirement(plan(), Asker("U0ALICE", frozenset({"leads"}))).rule == "own"
    assert found.requirement(plan(), Asker()).rule == "machine"
    assert found.requirement(plan(), Asker("U0BOB")).effect == "deny"


def test_a_condition_without_an_answer_denies_instead_of_letting_a_later_rule_decide() -> None:
    def compiled(_: str) -> Condition:
        def condition(_: object) -> bool:
            raise ConditionError("no such key: replicas")

        return condition

    rules = [a_rule(name="never above ten", effect="deny", match={"when": "args.replicas > 10"}), a_rule(name="later")]
    found = Policy.parse(b"", GOOD | {"rules": rules}, compiled).requirement(plan())
    assert found.effect == "deny"
    assert found.rule == "never above ten: no such key: replicas"


@pytest.mark.parametrize("name", ["alert"])
def test_no_group_takes_the_name_of_the_machine(name: str) -> None:
    with pytest.raises(ConfigurationError, match="alert"):
        policy(groups=GOOD["groups"] | {name: ["U0ALICE"]})


def test_accounts_of_one_human_are_listed_once() -> None:
    with pytest.raises(ConfigurationError, match="one human only"):
        policy(people=[["U0A", "U0B"], ["U0B", "U0C"]])
