"""What happens when people press the buttons of an approval card, in the local Slack workspace."""

from collections.abc import AsyncIterator

import pytest

from bot import identifiers
from core.approval import ApprovalRequest, ApprovalStatus
from core.tool_call import ToolCall
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, Stage, buttons, open_listening_stage, words
from tests.fakes.examples import a_plan, a_requirement

TWO_NEEDED = a_requirement(quorum=2)


async def click_forged(stage: Stage, beside: ApprovalRequest, value: str) -> None:
    """Press an Approve button that carries a value of somebody's choice."""
    label = {"type": "plain_text", "text": "Approve"}
    button = {"type": "button", "action_id": identifiers.APPROVE, "text": label, "value": value}
    where = {"channel": beside.channel, "thread_ts": beside.thread_ts}
    blocks = [{"type": "actions", "elements": [button]}]
    ts = (await stage.client.chat_postMessage(**where, text="x", blocks=blocks))["ts"]
    await stage.act("click", **{"as": ALICE}, channel=beside.channel, ts=ts, action_id=identifiers.APPROVE)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def test_an_approver_approves_and_the_card_says_so_without_buttons(stage: Stage) -> None:
    request = await stage.a_card()
    assert buttons(await stage.shown(request)) == ["Approve", "Reject", "Edit", "Details"]
    await stage.click(request, ALICE, identifiers.APPROVE)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED
    assert [event.kind for event in stage.queue.waiting] == ["job.resume"]
    card = await stage.shown(request)
    assert buttons(card) == ["Details"]
    assert "Approved" in card["text"]
    assert f"<@{ALICE}>" in words(card)


async def test_a_second_click_is_told_that_it_changed_nothing(stage: Stage) -> None:
    request = await stage.a_card(requirement=TWO_NEEDED)
    await stage.click(request, ALICE, identifiers.APPROVE)
    await stage.click(request, ALICE, identifiers.APPROVE)
    said = await stage.whispers(ALICE, thread_ts=request.thread_ts)
    assert len(said) == 1
    assert "voted" in said[0]
    assert len(stage.approvals.rows[request.id].votes) == 1


async def test_a_card_counts_votes_until_the_quorum_is_reached(stage: Stage) -> None:
    request = await stage.a_card(requirement=TWO_NEEDED)
    await stage.click(request, ALICE, identifiers.APPROVE)
    card = await stage.shown(request)
    assert "1 of 2" in words(card)
    assert "Approve" in buttons(card)
    await stage.click(request, CAROL, identifiers.APPROVE)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED
    assert "Approve" not in buttons(await stage.shown(request))


async def test_who_asked_may_not_approve(stage: Stage) -> None:
    request = await stage.a_card(requester=ALICE)
    await stage.click(request, ALICE, identifiers.APPROVE)
    assert "somebody else has to decide" in (await stage.whispers(ALICE, thread_ts=request.thread_ts))[0]
    assert stage.approvals.rows[request.id].status is ApprovalStatus.PENDING


@pytest.mark.parametrize("person", [BOB, DAVE])
async def test_who_is_in_no_group_is_refused_privately_and_audited(stage: Stage, person: str) -> None:
    request = await stage.a_card()
    await stage.click(request, person, identifiers.APPROVE)
    said = await stage.whispers(person, thread_ts=request.thread_ts)
    assert "Only members of sre" in said[0]
    assert await stage.whispers(CAROL, thread_ts=request.thread_ts) == []
    assert "VoteRefused" in stage.audit.kinds
    assert stage.approvals.rows[request.id].votes == ()


async def test_a_button_value_that_we_never_gave_out_is_not_believed(stage: Stage) -> None:
    request = await stage.a_card()
    for forged in ("apr_forged", '{"id": "' + request.id + '", "approve": true}'):
        await click_forged(stage, request, forged)
    said = await stage.whispers(ALICE, thread_ts=request.thread_ts)
    assert len(said) == 2
    assert all("do not know" in text for text in said)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.PENDING


async def test_a_rejection_needs_a_reason_and_shows_it(stage: Stage) -> None:
    request = await stage.a_card()
    await stage.click(request, ALICE, identifiers.REJECT)
    modal = (await stage.http.get("/control/view", params={"as": ALICE})).json()["views"][-1]
    assert modal["private_metadata"] == request.id
    reason = {identifiers.REASON_BLOCK: {identifiers.REASON_INPUT: {"type": "plain_text_input", "value": "Not now."}}}
    await stage.act("view_submit", **{"as": ALICE}, view_id=modal["id"], values=reason)
    row = stage.approvals.rows[request.id]
    assert (row.status, row.votes[0].reason) == (ApprovalStatus.REJECTED, "Not now.")
    card = await stage.shown(request)
    assert buttons(card) == ["Details"]
    assert "Not now." in words(card)
    assert "Nothing was run" in words(card)


async def test_a_stranger_may_open_the_reject_modal_but_not_decide(stage: Stage) -> None:
    request = await stage.a_card()
    await stage.click(request, BOB, identifiers.REJECT)
    modal = (await stage.http.get("/control/view", params={"as": BOB})).json()["views"][-1]
    reason = {identifiers.REASON_BLOCK: {identifiers.REASON_INPUT: {"type": "plain_text_input", "value": "No!!"}}}
    await stage.act("view_submit", **{"as": BOB}, view_id=modal["id"], values=reason)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.PENDING
    assert "Only members" in (await stage.whispers(BOB, thread_ts=request.thread_ts))[0]


async def test_details_show_the_digest_the_precondition_and_the_undo(stage: Stage) -> None:
    plan = a_plan(rollback=ToolCall(name="scale_workers", args={"service": "checkout", "workers": 2}))
    request = await stage.a_card(plan=plan)
    await stage.click(request, BOB, identifiers.DETAILS)
    modal = (await stage.http.get("/control/view", params={"as": BOB})).json()["views"][-1]
    for part in (request.digest, 'service: "checkout"', "workers: 2", '"resource_version"'):
        assert part in words(modal)


async def test_undo_asks_for_the_rollback_in_the_name_of_who_pressed_it(stage: Stage) -> None:
    undo = ToolCall(name="scale_workers", args={"service": "checkout", "workers": 2})
    request = await stage.a_card(plan=a_plan(rollback=undo))
    now = stage.clock.now()
    approved = {"digest": request.digest, "status": ApprovalStatus.APPROVED, "execute_by": now}
    assert await stage.approvals.claim(request.id, now=now, **approved)
    assert await stage.approvals.finish(request.id, status=ApprovalStatus.EXECUTED, text="done", now=now)
    await stage.cards().show_approval(request.id)
    assert buttons(await stage.shown(request)) == ["Details", "Undo"]
    await stage.click(request, DAVE, identifiers.UNDO)
    assert stage.queue.waiting == []
    await stage.click(request, BOB, identifiers.UNDO)
    body = stage.queue.waiting[0].body
    assert (body["requester"], body["rollback_of"], body["call"]) == (BOB, request.id, undo.model_dump())
