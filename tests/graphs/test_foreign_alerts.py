"""Whether a fix helped is told by what it was about: what else fires is said, and never brings the bad version back."""

from datetime import timedelta
from typing import Any

import pytest

from core.alert import Alert
from core.approval import ApprovalStatus
from core.evidence import Evidence, Hypothesis
from core.services.known_bad import KnownBad
from core.tool_call import ToolCall, ToolResult
from graphs.investigation.looks import SIGNAL
from graphs.remediation.signals import Aim
from tests.fakes.clock import START
from tests.fakes.examples import a_report, an_alert
from tests.graphs.world import World, a_proposal, approval_of

EXPR, OTHER = 'errors{service="checkout"} > 0', 'queue{service="checkout"} > 9'
GOOD = ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.8.3"})
BAD = ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.9.0"})
FAULTY = "Version 1.9.0 of checkout is faulty"
LATER = START + timedelta(minutes=5)


def rows(*services: str) -> ToolResult:
    result: Any = [{"labels": {"service": name}, "value": 1.0} for name in services]
    return ToolResult(status="ok" if result else "no_data", text="", data={"result": result})


async def treated(
    *alerts: Alert,
    named: tuple[str, ...] = (EXPR,),
    answers: dict[str, ToolResult] | None = None,
    seen: str = "checkout",
) -> Any:
    """Roll checkout back for a report that names these expressions, let the alerts come, and have it verified."""
    world = World(verify_within=0.15)
    world.toolbox.rollbacks["rollback_deploy"] = BAD
    given = {EXPR: rows(), OTHER: rows("")} | (answers or {})
    world.toolbox.answers["metric_query"] = lambda args: given[str(args["query"])]
    evidence = [
        Evidence(id=f"E{number}", call=ToolCall(name="metric_query", args={"query": query}), status="ok", title=SIGNAL,
                 summary="1", data=rows(seen).data, taken_at=START)
        for number, query in enumerate(named, 1)
    ]  # fmt: skip
    cause = Hypothesis(
        cause="bad_deploy", service="checkout", title=FAULTY, confidence=0.9, evidence_ids=("E1",), reasons=("r",)
    )
    await world.reports.save(a_report(id="rep_1", evidence=tuple(evidence), hypotheses=(cause,)))
    incident, _ = await world.incidents.join(an_alert(expr=EXPR), world.clock.now())
    await world.runner().remediate(a_proposal(call=GOOD, incident_id=incident.id, report_id="rep_1"))
    for alert in alerts:
        row = world.incidents.rows[incident.id]
        world.incidents.rows[incident.id] = row.model_copy(update={"alerts": (*row.alerts, alert)})
    await world.runner().resume(await world.vote(approval_of()))
    return world


def verdict(world: Any) -> str:
    return world.cards.said[f"{approval_of()}:end"]


FOREIGN = {
    "another service's": an_alert(fingerprint="b", name="SlowPayments", service="payments", expr=OTHER),
    "fired after the fix": an_alert(fingerprint="b", name="QueueLong", expr=OTHER, starts_at=LATER),
    "fired after the fix, without an expression": an_alert(fingerprint="b", name="QueueLong", starts_at=LATER),
    "not what the evidence names": an_alert(fingerprint="b", name="QueueLong", expr=OTHER),
}


@pytest.mark.parametrize("alert", FOREIGN.values(), ids=FOREIGN.keys())
async def test_a_foreign_alert_is_told_and_turns_no_verdict(alert: Alert) -> None:
    world = await treated(alert)
    assert "helped" in verdict(world)
    assert f"{alert.name} of {alert.service} fires as well, which this was not about" in verdict(world)
    assert set(world.approvals.rows) == {approval_of()}  # nobody is asked to bring 1.9.0 back


@pytest.mark.parametrize("alert", FOREIGN.values(), ids=FOREIGN.keys())
async def test_the_twin_that_watches_every_alert_brings_the_bad_version_back(
    alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Aim, "covers", lambda self, alert: True)
    world = await treated(alert)
    assert "did not help" in verdict(world)
    assert world.approvals.rows[approval_of(attempt=2)].plan.call == BAD


async def test_a_rule_that_watches_many_services_is_asked_about_the_one_that_was_treated() -> None:
    assert "helped" in verdict(await treated(answers={EXPR: rows("payments", "front")}))
    assert "did not help" in verdict(await treated(answers={EXPR: rows("payments", "checkout")}))
    assert "did not help" in verdict(await treated(answers={EXPR: rows("")}))


async def test_rows_of_others_count_where_the_rule_never_gave_the_alerts_own_service_one() -> None:
    assert "did not help" in verdict(await treated(answers={EXPR: rows("payments")}, seen="payments"))


@pytest.mark.parametrize(
    "alert",
    [
        an_alert(fingerprint="b", name="FrontErrors", service="front", expr=OTHER),
        an_alert(fingerprint="b", name="Errors", service="", expr=OTHER),
        an_alert(fingerprint="b", name="Errors", expr=OTHER, starts_at=LATER),
    ],
    ids=["of what stands on it", "of no service", "it fired again after the fix"],
)
async def test_what_the_evidence_names_decides(alert: Alert) -> None:
    world = await treated(alert, named=(EXPR, OTHER))
    assert f"the expression of {alert.name} still holds" in verdict(world)
    assert world.approvals.rows[approval_of(attempt=2)].status is ApprovalStatus.PENDING


async def test_where_no_evidence_names_a_signal_what_fired_before_the_decision_decides() -> None:
    assert "did not help" in verdict(await treated(an_alert(fingerprint="b", expr=OTHER), named=()))
    assert "helped" in verdict(await treated(an_alert(fingerprint="b", expr=OTHER, starts_at=LATER), named=()))


async def test_a_way_back_to_what_was_found_bad_is_proposed_only_with_a_word_about_it() -> None:
    world = await treated(answers={EXPR: rows("checkout")})
    again = world.approvals.rows[approval_of(attempt=2)]
    assert again.plan.call == BAD
    assert again.reason.startswith(f"⚠️ This goes back to what was found bad before: “{FAULTY}”. Undo ")


async def test_the_twin_without_a_memory_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> str:
        return ""

    monkeypatch.setattr(KnownBad, "warning", nothing)
    world = await treated(answers={EXPR: rows("checkout")})
    assert FAULTY not in world.approvals.rows[approval_of(attempt=2)].reason
