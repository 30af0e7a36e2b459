"""The deterministic mind on evidence that real tools once took from the real shop, fault by fault."""

from dataclasses import replace
from typing import Any

import pytest

from core.tool_call import ToolCall
from graphs.investigation import looks
from graphs.investigation.intent import Intent
from graphs.models import offline
from graphs.models.judgement import Case, Judgement
from graphs.models.runbooks import load_runbooks
from tests.graphs import recordings
from tests.graphs.world import ROOT

RUNBOOKS = load_runbooks(ROOT / "runbooks")
SICK = [fault for fault in recordings.FAULTS if fault != "false_alarm"]


def judged(case: Case) -> Judgement:
    return offline.judge(case, Intent("why", case.subject), RUNBOOKS)


def without(case: Case, *titles: str) -> Case:
    """Return the case as if these looks had failed."""
    failed = {"status": "failed", "data": None}
    evidence = tuple(item.model_copy(update=failed) if item.title in titles else item for item in case.evidence)
    return replace(case, evidence=evidence)


@pytest.mark.parametrize("fault", recordings.FAULTS)
@pytest.mark.parametrize("subject", ["front", "checkout", "payments", ""])
def test_the_cause_is_found_from_wherever_one_looks(fault: str, subject: str) -> None:
    recording = recordings.load(fault)
    expected = recording["expected"]
    best = judged(recordings.case_of(recording, subject)).hypotheses[0]
    assert best.cause == expected["cause"]
    if expected["cause"] != "none":
        assert best.service == expected["service"]
        assert best.evidence_ids


@pytest.mark.parametrize("fault", SICK)
def test_the_remedy_is_the_right_one_byte_for_byte(fault: str) -> None:
    recording = recordings.load(fault)
    expected: dict[str, Any] = recording["expected"]
    judgement = judged(recordings.case_of(recording, "front"))
    assert judgement.proposal == ToolCall(name=expected["tool"], args=expected["args"])
    assert judgement.proposal_reason


def test_a_false_alarm_leads_to_no_proposal_and_is_called_one() -> None:
    judgement = judged(recordings.case_of(recordings.load("false_alarm"), "front"))
    assert judgement.proposal is None
    assert "false alarm" in judgement.answer


@pytest.mark.parametrize("fault", SICK)
def test_an_upstream_fault_is_told_but_not_treated_from_a_service_that_does_not_depend_on_it(fault: str) -> None:
    recording = recordings.load(fault)
    judgement = judged(recordings.case_of(recording, "payments"))
    if recording["expected"]["service"] == "checkout":
        assert judgement.proposal is None
    else:
        assert judgement.proposal is not None


@pytest.mark.parametrize("fault", SICK)
def test_without_the_history_of_changes_no_change_is_blamed(fault: str) -> None:
    judgement = judged(without(recordings.case_of(recordings.load(fault), "front"), looks.DEPLOYS))
    causes = {hypothesis.cause for hypothesis in judgement.hypotheses}
    assert causes.isdisjoint({"bad_deploy", "wrong_config"})
    assert judgement.proposal is None or judgement.proposal.name in ("restart_service", "scale_workers")


@pytest.mark.parametrize("fault", recordings.FAULTS)
def test_without_evidence_the_answer_is_unknown(fault: str) -> None:
    case = replace(recordings.case_of(recordings.load(fault), "checkout"), evidence=())
    judgement = judged(case)
    assert [hypothesis.cause for hypothesis in judgement.hypotheses] == ["unknown"]
    assert judgement.proposal is None


@pytest.mark.parametrize("fault", recordings.FAULTS)
def test_one_failed_look_never_makes_the_rules_sure_of_something_else(fault: str) -> None:
    recording = recordings.load(fault)
    case = recordings.case_of(recording, "front")
    for title in dict.fromkeys(item.title for item in case.evidence):
        best = judged(without(case, title)).hypotheses[0]
        right = best.cause == recording["expected"]["cause"]
        assert right or best.confidence < 0.9, (title, best)


def test_every_cause_that_the_rules_know_has_a_runbook() -> None:
    treated = {book.cause for book in RUNBOOKS}
    found = {recordings.load(fault)["expected"]["cause"] for fault in SICK}
    assert found <= treated


def test_the_same_evidence_gives_the_same_judgement() -> None:
    case = recordings.case_of(recordings.load("bad_deploy"), "checkout")
    assert judged(case) == judged(case)
