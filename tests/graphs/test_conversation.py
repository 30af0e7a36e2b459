"""What people ask besides "why": lists, follow-ups, and words that mean nothing to the rules."""

import pytest

from core.tool_call import ToolCall
from tests.graphs.test_investigation import an_incident, ask, replaying
from tests.graphs.world import World


async def test_what_was_changed_lately_is_listed_with_evidence_and_without_a_diagnosis() -> None:
    world = replaying("wrong_config")
    (report,) = await ask(world, "What was deployed or reconfigured in the last hour?")
    assert report.answer.startswith("One change of front, checkout, payments in the last 60 min:")
    assert "checkout: payments_timeout_ms 2000 → 5, set by bob" in report.answer
    assert (report.hypotheses, report.proposal) == ((), None)
    assert {item.call.name for item in report.evidence} == {"deploy_history"}


async def test_changes_of_one_service_leave_out_the_others_and_name_the_last_one_before() -> None:
    world = replaying("wrong_config")
    (report,) = await ask(world, "what was deployed on payments in the last hour?")
    assert report.answer.startswith("Nothing was deployed or reconfigured in the last 60 min (payments).")
    assert "payments: version 3.2.4" in report.answer
    assert "checkout" not in report.answer


async def test_histories_that_cannot_be_read_are_said() -> None:
    (report,) = await ask(World(), "what changed?")
    assert "I could not read the history of front, checkout, payments." in report.answer


async def test_open_incidents_are_counted_without_a_look() -> None:
    world = replaying("bad_deploy")
    (none,) = await ask(world, "how many incidents are open?")
    assert none.answer == "No incident is open."
    await an_incident(world)
    (one,) = await ask(world, "how many incidents are open?")
    assert one.answer.startswith("One incident is open:\n- checkout: ")
    assert world.toolbox.reads == []


@pytest.mark.parametrize("text", ["asdf qwer", "delete everything", "delete payments"])
async def test_what_is_not_understood_is_said_to_be(text: str) -> None:
    world = replaying("bad_deploy")
    (report,) = await ask(world, text)
    assert report.answer.startswith("I did not understand that.")
    assert (world.toolbox.reads, report.proposal) == ([], None)


async def test_reasons_are_given_with_what_was_measured_and_no_second_proposal() -> None:
    world = replaying("wrong_config")
    why, reasons, since = await ask(world, "why is checkout failing?", "why do you think so?", "since when?")
    assert why.proposal is not None
    assert "I think so because: (1) bob changed payments_timeout_ms from 2000 to 5" in reasons.answer
    assert "The evidence: E" in reasons.answer
    assert since.answer.startswith("Since ")
    assert (reasons.proposal, since.proposal) == (None, None)


async def test_restart_it_means_the_service_of_the_thread() -> None:
    world = World()
    _, report = await ask(world, "status of payments", "restart it")
    assert report.proposal == ToolCall(name="restart_service", args={"service": "payments"})
