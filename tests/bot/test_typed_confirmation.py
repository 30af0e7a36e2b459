"""Where a click is too easy, the target's name has to be typed, and what was typed is looked at on our side."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import identifiers
from core.approval import ApprovalRequest, ApprovalStatus
from core.errors import ConfirmationError
from core.exact_call import exact_call
from core.tool_call import Plan, ToolCall
from tests.bot.stage import ALICE, BOB, Stage, buttons, open_listening_stage, words
from tests.fakes.examples import a_plan, a_requirement

LONG = a_plan(call=ToolCall(name="set_config", args={"service": "checkout", "key": "motd", "value": "x" * 10_000}))
DROP = a_plan(service="payments", risk="destructive", call=ToolCall(name="drop", args={"service": "payments"}))
TWO_TARGETS = a_plan(then=(DROP,))
ASKED: dict[str, dict[str, Any]] = {
    "a call too long for a card": {"plan": LONG},
    "policy says so": {"requirement": a_requirement(typed_confirmation=True)},
    "what is done cannot be taken back": {"plan": a_plan(risk="destructive")},
}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def type_name(stage: Stage, request: ApprovalRequest, person: str, typed: str) -> dict[str, Any]:
    """Press Approve and send the form that opens; returns what Slack got for it."""
    await stage.click(request, person, identifiers.APPROVE)
    modal = (await stage.http.get("/control/view", params={"as": person})).json()["views"][-1]
    assert modal["callback_id"] == identifiers.CONFIRM_VIEW
    values = {identifiers.CONFIRM_BLOCK: {identifiers.CONFIRM_INPUT: {"type": "plain_text_input", "value": typed}}}
    return await stage.act("view_submit", **{"as": person}, view_id=modal["id"], values=values)


@pytest.mark.parametrize("fields", ASKED.values(), ids=ASKED)
async def test_only_the_typed_name_of_the_target_approves(stage: Stage, fields: dict[str, Any]) -> None:
    request = await stage.a_card(**fields)
    assert "type the target" in words(await stage.shown(request))
    for wrong in ("chekout", "Checkout", "сheckout", "yes"):  # the third begins with a Cyrillic letter
        answer = await type_name(stage, request, ALICE, wrong)
        assert "checkout" in answer["errors"][identifiers.CONFIRM_BLOCK]
    assert stage.approvals.rows[request.id].votes == ()
    await type_name(stage, request, ALICE, " checkout ")
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED


async def test_a_plain_click_does_not_approve_what_asks_for_a_name(stage: Stage) -> None:
    request = await stage.a_card(plan=LONG)
    assert stage.services is not None
    for typed in ("", "payments"):
        with pytest.raises(ConfirmationError, match="checkout"):
            await stage.services.desk.vote(request.id, ALICE, "approve", typed=typed)
    assert stage.approvals.rows[request.id].votes == ()
    assert stage.audit.events[-1].details["why"] == "ConfirmationError"


async def test_the_twin_that_only_the_form_looks_at_is_caught(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.services.approval_desk.check_typed", lambda *_: None)
    request = await stage.a_card(plan=LONG)
    assert stage.services is not None
    await stage.services.desk.vote(request.id, ALICE, "approve")
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED


async def test_a_plan_asks_for_the_names_of_all_its_targets(stage: Stage) -> None:
    request = await stage.a_card(plan=TWO_TARGETS)
    assert "type the targets' names: checkout, payments" in words(await stage.shown(request))
    answer = await type_name(stage, request, ALICE, "checkout")
    assert "checkout, payments" in answer["errors"][identifiers.CONFIRM_BLOCK]
    await type_name(stage, request, ALICE, "checkout,payments")
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED


async def test_a_look_at_the_first_target_alone_is_caught(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "targets", property(lambda plan: (plan.service,)))
    request = await stage.a_card(plan=TWO_TARGETS)
    await type_name(stage, request, ALICE, "checkout")
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED


async def test_a_name_typed_by_somebody_else_counts_for_nothing(stage: Stage) -> None:
    request = await stage.a_card(requirement=a_requirement(typed_confirmation=True))
    await type_name(stage, request, BOB, "checkout")
    assert stage.approvals.rows[request.id].votes == ()
    assert "Only members of sre" in (await stage.whispers(BOB, thread_ts=request.thread_ts))[0]


async def test_a_long_call_stands_whole_in_a_file_that_bears_the_digest(stage: Stage) -> None:
    request = await stage.a_card(plan=LONG)
    assert buttons(await stage.shown(request)) == ["Approve", "Reject", "Edit", "Details"]
    thread = await stage.history(thread_ts=request.thread_ts)
    (file,) = [file for message in thread for file in message.get("files") or []]
    assert file["name"] == f"{request.id}-call.txt"
    assert request.digest in file["title"]
    assert (await stage.http.get(file["url_private"])).content == exact_call(LONG.call).encode()


async def test_an_ordinary_request_is_still_one_click(stage: Stage) -> None:
    request = await stage.a_card()
    await stage.click(request, ALICE, identifiers.APPROVE)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED
