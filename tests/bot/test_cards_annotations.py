"""A plot shows the threshold of the alert that is about the same figure, and what changed around it."""

from typing import Any

import pytest

from bot.annotations import annotated
from bot.cards.slack_cards import worth_drawing
from core.evidence import Evidence, Hypothesis
from core.incident import Incident
from core.series import Series
from core.tool_call import ToolCall
from tests.fakes.clock import START
from tests.fakes.examples import a_report, an_alert

T0 = START.timestamp()
SHARE = 'sum by (service) (rate(req_total{code=~"5.."}[5s])) / sum by (service) (rate(req_total{service="a"}[5s]))'
LINE = Series(title="a", unit="ratio", points=((T0 - 60, 0.0), (T0 + 60, 0.6)))


def evidence(key: str, query: str = SHARE, **fields: Any) -> Evidence:
    """Return a drawn piece of evidence."""
    given = {"status": "ok", "title": "t", "summary": "s", "series": (LINE,), "taken_at": START}
    return Evidence(id=key, **(given | {"call": ToolCall(name="metric_range", args={"query": query})} | fields))


def incident(expr: str) -> Incident:
    """Return an incident of one alert with that expression."""
    given = {"group_key": "g", "title": "t", "service": "a", "env": "prod", "severity": "", "opened_at": START}
    return Incident(id="INC-1", alerts=(an_alert(expr=expr),), **given)


@pytest.mark.parametrize(
    ("expr", "limit"),
    [
        ("sum(rate(req_total{code!='502'}[10s])) by (service) / sum(rate(req_total[10s])) by (service) > 0.05", 0.05),
        ("sum(rate(req_total[10s])) > 0.05", None),
        ("sum(rate(other_total[10s])) / sum(rate(other_total[10s])) > 0.05", None),
        ("", None),
    ],
)
def test_the_threshold_is_that_of_an_alert_on_the_same_figure(expr: str, limit: float | None) -> None:
    [line] = annotated(evidence("E1"), a_report(), incident(expr))
    assert line.threshold == limit


def test_marks_are_the_alerts_start_and_the_changes_within_the_lines_time() -> None:
    deploys = [{"version": "2", "at": T0 - 10}, {"version": "1", "at": T0 - 9999}, {"version": "x", "at": "nonsense"}]
    changes = [{"key": "timeout", "at": START.isoformat()}]
    call = ToolCall(name="deploy_history", args={"service": "a"})
    history = evidence("E2", call=call, series=(), data={"deploys": deploys, "config_changes": changes})
    [line] = annotated(evidence("E1"), a_report(evidence=(history,)), incident("x > 1"))
    assert line.marks == ((T0, "alert"), (T0 - 10, "deploy 2"), (T0, "config timeout"))


def test_a_conversation_has_no_alert_to_mark() -> None:
    assert annotated(evidence("E1"), a_report(), None) == (LINE,)


def test_what_the_cause_rests_on_is_drawn() -> None:
    rows = (evidence("E1"), evidence("E2"), evidence("E3", series=()))
    cause = Hypothesis(cause="c", service="a", title="t", confidence=1, evidence_ids=("E3", "E2"), reasons=())
    assert [item.id for item in worth_drawing(a_report(evidence=rows, hypotheses=(cause,)))] == ["E2"]
    assert [item.id for item in worth_drawing(a_report(evidence=rows))] == ["E1"]
