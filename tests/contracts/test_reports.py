"""What every implementation of core.ports.Reports does."""

import math
from datetime import timedelta

from core.evidence import Evidence, Hypothesis
from core.series import Series
from core.tool_call import ToolCall
from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import a_report


async def test_a_report_comes_back_as_it_was_saved(stores: Stores) -> None:
    call = ToolCall(name="metric_range", args={"query": 'rate(errors{service="checkout"}[5m])', "minutes": 15})
    seen = Evidence(
        id="E1",
        call=call,
        status="ok",
        title="Error rate",
        summary="0.2 % to 31 %",
        data={"nested": [1, 2.5, None, {"text": "nul \0, half a pair \ud83d"}]},
        series=(Series(title="errors", unit="ratio", points=((1.0, 0.25), (2.0, 0.5)), marks=((1.5, "deploy"),)),),
        taken_at=START,
    )
    cause = Hypothesis(
        cause="bad_deploy", service="checkout", title="1.4.2", confidence=0.9, evidence_ids=("E1",), reasons=("step",)
    )
    report = a_report(evidence=(seen,), hypotheses=(cause,), proposal=call, proposal_reason="it began with it")
    await stores.reports.save(report)
    assert await stores.reports.load(report.id) == report


async def test_a_gap_in_a_series_does_not_lose_the_report(stores: Stores) -> None:
    series = Series(title="errors", points=((1.0, math.nan), (2.0, math.inf)))
    seen = Evidence(
        id="E1",
        call=ToolCall(name="metric_range", args={}),
        status="ok",
        title="t",
        summary="s",
        series=(series,),
        taken_at=START,
    )
    await stores.reports.save(a_report(id="rep_1", evidence=(seen,)))
    loaded = await stores.reports.load("rep_1")
    assert loaded is not None
    (_, gap), (_, endless) = loaded.evidence[0].series[0].points
    assert math.isnan(gap)
    assert endless == math.inf


async def test_saving_again_replaces(stores: Stores) -> None:
    await stores.reports.save(a_report(id="rep_1", answer="first"))
    await stores.reports.save(a_report(id="rep_1", answer="second"))
    assert [row.answer for row in await stores.reports.of_thread("incident:INC-1")] == ["second"]


async def test_a_threads_reports_come_oldest_first_and_without_those_of_others(stores: Stores) -> None:
    for number, (thread, minutes) in enumerate([("t", 5), ("t", 1), ("u", 2)]):
        await stores.reports.save(
            a_report(id=f"rep_{number}", thread_id=thread, finished_at=START + timedelta(minutes=minutes))
        )
    assert [row.id for row in await stores.reports.of_thread("t")] == ["rep_1", "rep_0"]
    assert await stores.reports.of_thread("v") == []


async def test_there_is_no_report_before_it_is_saved(stores: Stores) -> None:
    assert await stores.reports.load("rep_1") is None


async def test_a_report_that_nobody_was_shown_is_found_until_that_is_noted(stores: Stores) -> None:
    for number in range(3):
        await stores.reports.save(a_report(id=f"rep_{number}", finished_at=START + timedelta(minutes=number)))
    later = START + timedelta(minutes=2)
    assert list(await stores.reports.unshown(later)) == ["rep_0", "rep_1"]
    await stores.reports.shown("rep_0", later)
    await stores.reports.save(a_report(id="rep_0", finished_at=START))  # a second run of the last node
    assert list(await stores.reports.unshown(later)) == ["rep_1"]
