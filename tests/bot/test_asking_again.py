"""What ended without a run is asked for again with one click: a new request, planned anew, once, without old votes."""

from collections.abc import AsyncIterator

import pytest

from bot import identifiers
from core.approval import NOTHING_RAN, ApprovalRequest, ApprovalStatus, Vote
from core.brief import Proposal
from core.errors import RefusedError
from core.ids import approval_id_of
from core.services.remediation import Remediation
from core.tool_call import ToolCall
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, NoGraphs, Stage, buttons, open_listening_stage, words
from tests.fakes.examples import a_plan, a_request


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def ended(stage: Stage, status: ApprovalStatus = ApprovalStatus.EXPIRED, **fields: object) -> ApprovalRequest:
    """Return a card of a request that has one vote and ended like that."""
    request = await stage.a_card(**fields)
    at = stage.clock.now()
    await stage.approvals.vote(Vote(approval_id=request.id, person=ALICE, choice="approve", at=at, groups=("sre",)))
    stage.approvals.rows[request.id] = stage.approvals.rows[request.id].model_copy(update={"status": status})
    await stage.cards().show_approval(request.id)
    return request


async def asked_anew(stage: Stage, proposal: Proposal) -> str:
    """Write the row that the graph writes for a proposal, and show its card."""
    row = a_request(
        id=approval_id_of(proposal.remediation_id, 1),
        requester=proposal.requester,
        reopens=proposal.reopens,
        channel=proposal.place.channel,
        thread_ts=proposal.place.thread_ts,
        incident_id=proposal.incident_id,
        created_at=stage.clock.now(),
    )
    await stage.audit.record(await stage.approvals.create(row))
    await stage.cards().show_approval(row.id)
    return row.id


@pytest.mark.parametrize("status", sorted(NOTHING_RAN))
async def test_one_click_asks_anew_in_the_name_of_who_clicked(stage: Stage, status: ApprovalStatus) -> None:
    request = await ended(stage, status)
    assert buttons(await stage.shown(request)) == ["Ask again", "Details"]
    await stage.click(request, BOB, identifiers.ASK_AGAIN)
    proposal = Proposal.model_validate(stage.queue.waiting[0].body)
    assert (proposal.requester, proposal.call, proposal.reopens) == (BOB, request.plan.call, request.id)
    anew = stage.approvals.rows[await asked_anew(stage, proposal)]
    assert (anew.votes, anew.status) == ((), ApprovalStatus.PENDING)
    assert "restart_service on checkout> ended without a run" in words(await stage.shown(anew))
    old = await stage.shown(request)
    assert buttons(old) == ["Details"]
    card_ts = stage.approvals.rows[anew.id].card_ts
    assert card_ts
    assert f"p{card_ts.replace('.', '')}" in words(old)


@pytest.mark.parametrize(
    "status",
    sorted(set(ApprovalStatus) - NOTHING_RAN - {ApprovalStatus.PENDING}),
)
async def test_what_ran_or_was_refused_by_a_person_is_not_asked_again(stage: Stage, status: ApprovalStatus) -> None:
    request = await ended(stage, status)
    assert "Ask again" not in buttons(await stage.shown(request))


async def test_two_clicks_are_one_request_and_so_is_a_click_after_it(stage: Stage) -> None:
    request = await ended(stage)
    for person in (BOB, CAROL):
        await stage.click(request, person, identifiers.ASK_AGAIN)
    assert len(stage.queue.waiting) == 1
    assert "being asked for again already" in (await stage.whispers(CAROL, thread_ts=request.thread_ts))[0]
    stage.clock.advance(seconds=30)
    remediation = Remediation(NoGraphs(), stage.approvals, stage.approvals, stage.queue, stage.clock)
    await asked_anew(stage, Proposal.model_validate(stage.queue.waiting[0].body))
    with pytest.raises(RefusedError, match="further down in the thread"):
        await remediation.ask_again(request.id, CAROL)
    assert len(stage.queue.waiting) == 1


async def test_guests_do_not_ask_again(stage: Stage) -> None:
    request = await ended(stage)
    await stage.click(request, DAVE, identifiers.ASK_AGAIN)
    assert stage.queue.waiting == []
    assert "Guests" in (await stage.whispers(DAVE, thread_ts=request.thread_ts))[0]


async def test_an_undo_that_expired_is_asked_for_as_the_next_undo(stage: Stage) -> None:
    back = ToolCall(name="scale_workers", args={"service": "checkout", "workers": 2})
    done = await ended(stage, ApprovalStatus.EXECUTED, plan=a_plan(rollback=back))
    undo = await ended(stage, rollback_of=done.id, plan=a_plan(call=back))
    await stage.click(undo, BOB, identifiers.ASK_AGAIN)
    proposal = Proposal.model_validate(stage.queue.waiting[0].body)
    assert (proposal.rollback_of, proposal.call, proposal.requester) == (done.id, back, BOB)
