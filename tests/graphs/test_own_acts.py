"""What we did ourselves a while ago is held against every alert and question about its service, from the rows alone."""

from datetime import timedelta
from typing import Any

import pytest

from core.alert import Alert, AlertStatus
from core.effect import EffectStatus
from core.evidence import Report
from core.ids import incident_thread_id
from core.services.alert_intake import AlertIntake
from core.tool_call import ToolCall
from graphs.models import connection
from graphs.models.connection import OWN_ACTION
from tests.fakes.examples import a_plan, a_report, a_request, an_alert, an_audit_event, an_effect
from tests.graphs.world import World, a_brief

SCALED = "Watchkeeper itself ran scale_workers on checkout (workers 4 → 2)"


def acted(world: World, minutes: float, status: EffectStatus = EffectStatus.DONE, service: str = "checkout") -> None:
    """Write the rows of an act that ended so long ago."""
    call = ToolCall(name="scale_workers", args={"service": service, "workers": 2})
    plan = a_plan(call=call, service=service, precondition={"resource_version": 1, "workers": 4})
    request, at = a_request(plan=plan, incident_id="INC-9"), world.clock.now() - timedelta(minutes=minutes)
    world.approvals.rows[request.id] = request
    effect = an_effect(request, status=status, intent_at=at, outcome_at=at)
    world.effects.rows[effect.action_id] = effect


async def alerted(world: World, service: str = "checkout", **fields: Any) -> Report:
    """Let an alert about the service begin now and have it looked at by a process that remembers nothing."""
    alert = an_alert(service=service, starts_at=world.clock.now(), **fields)
    incident, _ = await world.incidents.join(alert, world.clock.now())
    thread = incident_thread_id(incident.id)
    return await world.runner().investigate(a_brief(clock=world.clock, thread_id=thread, incident_id=incident.id))


async def test_an_alert_two_minutes_after_our_act_is_connected_with_it() -> None:
    world = World()
    acted(world, minutes=2)
    report = await alerted(world)
    assert f"{SCALED} 2 min before this alert began, so that may be the cause." in report.answer
    assert OWN_ACTION in {one.cause for one in report.hypotheses}


async def test_the_twin_that_looks_once_for_half_a_minute_misses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTED_WITHIN", 30.0)
    world = World()
    acted(world, minutes=2)
    report = await alerted(world)
    assert "Watchkeeper itself" not in report.answer
    assert OWN_ACTION not in {one.cause for one in report.hypotheses}


@pytest.mark.parametrize(("minutes", "told"), [(0.2, False), (14, True), (16, False)])
async def test_the_window_is_a_quarter_of_an_hour(minutes: float, told: bool) -> None:
    world = World()
    acted(world, minutes)
    assert (SCALED in (await alerted(world)).answer) is told


async def test_a_question_is_answered_with_it_too() -> None:
    world = World()
    acted(world, minutes=3)
    answer = (await world.runner().investigate(a_brief("why is front slow?", clock=world.clock))).answer
    assert f"{SCALED} 3 min ago." in answer


async def test_what_fired_before_the_act_is_not_blamed_on_it() -> None:
    world = World()
    acted(world, minutes=2)
    earlier = world.clock.now() - timedelta(minutes=5)
    await world.incidents.join(an_alert(starts_at=earlier), world.clock.now())
    thread = incident_thread_id("INC-1")
    report = await world.runner().investigate(a_brief(clock=world.clock, thread_id=thread, incident_id="INC-1"))
    assert f"{SCALED} 2 min ago, when this was firing already." in report.answer
    assert OWN_ACTION not in {one.cause for one in report.hypotheses}


@pytest.mark.parametrize(
    ("status", "service", "told"),
    [
        (EffectStatus.FAILED, "checkout", False),
        (EffectStatus.DONE, "front", False),  # checkout does not need it
        (EffectStatus.DONE, "payments", True),
        (EffectStatus.UNKNOWN, "checkout", True),
    ],
)
async def test_only_what_may_have_changed_something_beneath_it_counts(
    status: EffectStatus, service: str, told: bool
) -> None:
    world = World()
    acted(world, 2, status, service)
    answer = (await alerted(world)).answer
    assert (f"Watchkeeper itself ran scale_workers on {service}" in answer) is told
    assert ("outcome unknown" in answer) is (status is EffectStatus.UNKNOWN)


@pytest.mark.parametrize(("minutes", "looks"), [(2, True), (16, False)])
async def test_an_alert_that_joins_after_our_act_is_looked_at_though_there_was_a_remedy(
    minutes: float, looks: bool
) -> None:
    world = World()
    intake = AlertIntake(world.incidents, world.reports, world.cards, world.queue, world.audit, world.clock)
    await world.incidents.join(an_alert(), world.clock.now())
    proposal = ToolCall(name="scale_workers", args={"service": "checkout", "workers": 2})
    await world.reports.save(a_report(proposal=proposal))

    async def looked_at(alert: Alert) -> bool:
        world.queue.waiting.clear()
        await intake.handle(alert)
        return any(event.kind == "job.investigate" for event in world.queue.waiting)

    new = an_alert(fingerprint="b", starts_at=world.clock.now())
    assert not await looked_at(new)  # the remedy is still to come
    at = world.clock.now() - timedelta(minutes=minutes)
    await world.audit.append(an_audit_event(kind="EffectIntended", subject="apr_1", at=at))
    assert await looked_at(new.model_copy(update={"fingerprint": "c"})) is looks
    assert not await looked_at(new.model_copy(update={"fingerprint": "c"}))  # the same again
    assert not await looked_at(new.model_copy(update={"fingerprint": "c", "status": AlertStatus.RESOLVED}))
