"""Whoever is asked for an undo reads what comes back, and in so many words if that is what was found bad before."""

from collections.abc import AsyncIterator

import pytest

from core.alert import AlertStatus
from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Place
from core.evidence import Hypothesis
from core.ids import incident_thread_id
from core.services.known_bad import VERIFIED, KnownBad
from core.tool_call import ToolCall
from tests.bot.stage import Stage, open_stage, words
from tests.fakes.examples import a_plan, a_report, an_alert


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


def deploy(version: str) -> ToolCall:
    return ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": version})


async def done(stage: Stage, old: str, new: str, title: str = "", **fields: object) -> ApprovalRequest:
    """Return an executed deploy of `new` in place of `old`, and the report that blamed the old one if that has one."""
    plan = a_plan(call=deploy(new), rollback=deploy(old), precondition={"resource_version": 7, "version": old})
    if title:
        cause = Hypothesis(
            cause="bad_deploy", service="checkout", title=title, confidence=0.9, evidence_ids=("E1",), reasons=("r",)
        )
        await stage.reports.save(a_report(id="rep_1", hypotheses=(cause,)))
    request = await stage.a_card(plan=plan, report_id="rep_1" if title else None, **fields)
    ended = (await stage.approvals.load(request.id)).model_copy(update={"status": ApprovalStatus.EXECUTED})
    stage.approvals.rows[request.id] = ended
    return ended


async def undo_of(stage: Stage, request: ApprovalRequest) -> str:
    """Return what the card of its undo says."""
    assert request.plan.rollback is not None
    now = {"resource_version": 8, "version": request.plan.call.args["to_version"]}
    plan = a_plan(call=request.plan.rollback, rollback=request.plan.call, precondition=now)
    undo = await stage.a_card(plan=plan, rollback_of=request.id, report_id=request.report_id)
    return words(await stage.shown(undo))


async def verified(stage: Stage, request: ApprovalRequest, outcome: str) -> None:
    event = AuditEvent(
        kind=VERIFIED, actor="watchkeeper", subject=request.id, at=stage.clock.now(), details={"outcome": outcome}
    )
    await stage.audit.append(event)


TITLE = "Version 1.9.0 of checkout is faulty"


async def test_the_undo_of_a_good_fix_says_that_the_bad_version_comes_back(stage: Stage) -> None:
    card = await undo_of(stage, await done(stage, "1.9.0", "1.8.3", TITLE))
    assert "What comes back: version 1.8.3 → 1.9.0." in card
    assert "rollback_deploy on checkout (version 1.9.0 → 1.8.3)>" in card  # the link to what is undone
    assert f"Look twice:* This goes back to what was found bad before: “{TITLE}”." in card


async def test_the_twin_that_knows_nothing_of_the_incident_lets_it_pass_for_any_undo(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> str:
        return ""

    monkeypatch.setattr(KnownBad, "warning", nothing)
    assert "Look twice" not in await undo_of(stage, await done(stage, "1.9.0", "1.8.3", TITLE))


async def test_what_a_person_asked_for_is_known_by_what_was_seen_after_it(stage: Stage) -> None:
    fix = await done(stage, "1.9.0", "1.8.3")
    assert "Look twice" not in await undo_of(stage, fix)
    await verified(stage, fix, "helped")
    assert "what was there before rollback_deploy helped checkout" in await undo_of(stage, fix)


async def test_the_undo_of_an_undo_is_warned_of_when_the_first_step_did_not_help(stage: Stage) -> None:
    fix = await done(stage, "1.9.0", "1.8.3")
    undone = await done(stage, "1.8.3", "1.9.0", rollback_of=fix.id)
    assert "Look twice" not in await undo_of(stage, undone)
    await verified(stage, fix, "did_not_help")
    assert "This was done here before, and it did not help." in await undo_of(stage, undone)


async def test_the_incidents_card_names_the_versions_and_leads_to_the_request(stage: Stage) -> None:
    fix = await done(stage, "1.9.0", "1.8.3")
    assert fix.incident_id is not None
    await stage.cards().show_incident(fix.incident_id)
    card = next(each for each in await stage.history() if each["ts"] == fix.thread_ts)
    link = f"p{fix.card_ts.replace('.', '')}"
    assert "|rollback_deploy on checkout (version 1.9.0 → 1.8.3)>" in words(card)
    assert link in words(card)


@pytest.mark.parametrize("elsewhere", ["the request", "the incident"])
async def test_what_is_proposed_already_leads_to_its_card(stage: Stage, elsewhere: str) -> None:
    waits = await stage.a_card(plan=a_plan(call=deploy("1.8.3"), rollback=None))
    assert waits.incident_id is not None
    to = waits.id if elsewhere == "the request" else waits.incident_id
    await stage.reports.save(a_report(id="rep_2", incident_id=None, thread_id="t", elsewhere=to))
    place = Place(channel=waits.channel, thread_ts=waits.thread_ts)
    await stage.cards().show_report("rep_2", place)
    thread = await stage.history(channel=waits.channel, thread_ts=waits.thread_ts)
    said = next(words(message) for message in thread if "➡️" in words(message))
    ts, name = (
        (waits.card_ts, "rollback_deploy on checkout (version 1.8.3)>")
        if to == waits.id
        else (waits.thread_ts, f"{waits.incident_id}: checkout answers with errors>")
    )
    assert f"p{ts.replace('.', '')}" in said
    assert name in said
    assert waits.id not in said


async def test_an_incident_whose_remedy_waits_in_another_thread_leads_there_until_it_is_over(stage: Stage) -> None:
    waits = await stage.a_card(plan=a_plan(call=deploy("1.8.3"), rollback=None))
    customers = an_alert(fingerprint="cafe", service="front", summary="Customers see errors")
    incident, _ = await stage.incidents.join(customers, stage.clock.now())
    thread = incident_thread_id(incident.id)
    await stage.reports.save(a_report(incident_id=incident.id, thread_id=thread, elsewhere=waits.id))
    place = await stage.cards().show_incident(incident.id)

    async def link() -> bool:
        card = next(each for each in await stage.history() if each["ts"] == place.thread_ts)
        return f"p{waits.card_ts.replace('.', '')}" in words(card)

    assert await link()
    await stage.incidents.join(customers.model_copy(update={"status": AlertStatus.RESOLVED}), stage.clock.now())
    await stage.cards().show_incident(incident.id)
    assert not await link()
