"""Tools, metrics systems and models of other people give odd shapes; the rules shrug, they do not fall over."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.evidence import Evidence
from graphs.investigation.intent import Intent, parse
from graphs.models import offline
from graphs.models.conclusion import Conclusion
from graphs.models.fence import Fence
from graphs.models.judgement import Case
from graphs.models.runbooks import load_runbooks
from tests.graphs import recordings
from tests.graphs.world import ROOT, SERVICES

RUNBOOKS = load_runbooks(ROOT / "runbooks")
RECORDED = recordings.case_of(recordings.load("wrong_config"), "checkout")
KEYS = (
    "labels",
    "points",
    "value",
    "series",
    "result",
    "at",
    "version",
    "status",
    "workers",
    "deploys",
    "patterns",
    "old",
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def mutated(case: Case, index: int, path: list[int], odd: Any) -> Case:
    """Return the case with one value somewhere in one look's data replaced."""
    evidence = list(case.evidence)
    item = evidence[index % len(evidence)]
    data = _replaced(item.data, path, odd)
    evidence[index % len(evidence)] = Evidence.model_validate(item.model_dump() | {"data": data})
    return replace(case, evidence=tuple(evidence))


def _replaced(value: Any, path: list[int], odd: Any) -> Any:
    if not path or not isinstance(value, dict | list) or not value:
        return odd
    if isinstance(value, dict):
        key = list(value)[path[0] % len(value)]
        return {**value, key: _replaced(value[key], path[1:], odd)}
    at = path[0] % len(value)
    return [*value[:at], _replaced(value[at], path[1:], odd), *value[at + 1 :]]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 40), st.lists(st.integers(0, 50), max_size=6), JSON)
def test_one_odd_value_anywhere_never_breaks_the_rules(index: int, path: list[int], odd: Any) -> None:
    case = mutated(RECORDED, index, path, odd)
    for kind in ("why", "since", "status"):
        judgement = offline.judge(case, Intent(kind, "checkout"), RUNBOOKS)  # type: ignore[arg-type]
        assert judgement.answer
    assert Fence().all(case.evidence)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_json_is_a_conclusion_or_a_validation_error(value: Any) -> None:
    try:
        conclusion = Conclusion.model_validate(value)
    except ValidationError:
        return
    assert conclusion.answer


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_some_kind_of_question(text: str) -> None:
    assert parse(text, SERVICES).call is None or "service" in parse(text, SERVICES).call.args  # type: ignore[union-attr]
