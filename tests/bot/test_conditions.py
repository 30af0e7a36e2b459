"""Conditions are checked when the policy is read, and one that cannot answer never lets anything through."""

from typing import Any

import pytest

from bot.conditions import compile_condition
from core.policy import ConditionError

FACTS: dict[str, Any] = {
    "tool": "scale_workers",
    "args": {"service": "checkout", "workers": 4, "tags": ["a", "b"], "ratio": 0.5},
    "risk": "reversible",
    "env": "prod",
    "service": "checkout",
    "requester": "U0BOB",
    "groups": ["leads", "sre"],
}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("args.workers <= 4", True),
        ("args.workers > 4", False),
        ("service in ['checkout', 'payments'] && env == 'prod'", True),
        ("'sre' in groups", True),
        ("args.tags.all(tag, tag != 'c')", True),
        ("has(args.force) && args.force", False),
        ("service.matches('^check.*')", True),
        ("args.ratio < 1", True),
        ("requester.startsWith('U')", True),
    ],
)
def test_a_condition_says_true_or_false(text: str, answer: bool) -> None:
    assert compile_condition(text)(FACTS) is answer


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 +", "Syntax error"),
        ("args.workers", "not true or false"),
        ("service == 3", "no matching overload"),
        ("servce == 'x'", "undeclared reference to 'servce'"),
        ("'prod'", "not true or false"),
        ("", "Syntax error"),
    ],
)
def test_what_can_never_be_a_condition_is_found_when_it_is_read(text: str, told: str) -> None:
    with pytest.raises(ConditionError, match=told) as refusal:
        compile_condition(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["args.replicas > 3", "args.service > 3", "args.workers / 0 == 1"])
def test_a_condition_that_has_no_answer_for_a_call_raises(text: str) -> None:
    with pytest.raises(ConditionError):
        compile_condition(text)(FACTS)


def test_it_reaches_nothing_but_what_it_is_given() -> None:
    for text in ("__import__('os')", "open('x')", "tool.__class__ == ''"):
        with pytest.raises(ConditionError):
            compile_condition(text)(FACTS)
