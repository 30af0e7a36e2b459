"""What every implementation of core.ports.Approvals and ApprovalQueue does."""

import asyncio
from datetime import timedelta

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Choice, Vote
from core.ballot import Ballot
from core.errors import AlreadyDecidedError, AlreadyVotedError, NoDataError
from core.tampering import digest_of
from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import a_plan, a_request, an_audit_event

SOON = START + timedelta(minutes=1)
EXECUTE_BY = SOON + timedelta(minutes=5)
NAIVE = START.replace(tzinfo=None)  # a moment that no database keeps: a history that cannot be written


async def claim(stores: Stores, request: ApprovalRequest, status: ApprovalStatus, **changed: object) -> bool:
    given = {"digest": request.digest, "now": SOON, "execute_by": EXECUTE_BY} | changed
    return await stores.approvals.claim(request.id, status=status, **given)  # type: ignore[arg-type]


def a_vote(request: ApprovalRequest, person: str, choice: Choice = "approve", minutes: int = 1) -> Vote:
    return Vote(approval_id=request.id, person=person, choice=choice, at=START + timedelta(minutes=minutes))


async def test_a_request_comes_back_as_it_was_created_and_hashes_to_its_digest(stores: Stores) -> None:
    plan = a_plan(precondition={"b": 1, "a": [1.0, None, "é \0"]}, diff="- 1\n+ 2")
    request = a_request(plan=plan, reason="because", report_id="rep_1", rollback_of="apr_0")
    assert await stores.approvals.create(request) == request
    loaded = await stores.approvals.load(request.id)
    assert loaded == request
    assert digest_of(loaded) == request.digest


async def test_creating_again_returns_the_first_row_unchanged(stores: Stores) -> None:
    request = a_request()
    await stores.approvals.create(request)
    await claim(stores, request, ApprovalStatus.REJECTED)
    again = await stores.approvals.create(a_request(id=request.id, reason="another", requester="U0MALLORY"))
    assert (again.reason, again.requester, again.status) == (request.reason, "U0ALICE", ApprovalStatus.REJECTED)


async def test_a_request_that_is_not_there_is_unknown(stores: Stores) -> None:
    with pytest.raises(NoDataError):
        await stores.approvals.load("apr_none")
    with pytest.raises(NoDataError):
        await stores.approvals.vote(a_vote(a_request(), "U0BOB"))
    with pytest.raises(NoDataError):
        await stores.approvals.place("apr_none", "17.1")
    assert not await claim(stores, a_request(), ApprovalStatus.APPROVED)


async def test_votes_come_with_the_request_in_the_order_they_were_cast(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    late, early = a_vote(request, "U0BOB", minutes=2), a_vote(request, "U0CAROL", "reject", minutes=1)
    await stores.approvals.vote(late)
    await stores.approvals.vote(early)
    assert (await stores.approvals.load(request.id)).votes == (early, late)


async def test_one_person_votes_once_even_with_twenty_clicks_at_once(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    clicks = [stores.approvals.vote(a_vote(request, "U0BOB")) for _ in range(20)]
    outcomes = await asyncio.gather(*clicks, return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, AlreadyVotedError) for outcome in outcomes) == 19
    with pytest.raises(AlreadyVotedError):
        await stores.approvals.vote(a_vote(request, "U0BOB", "reject"))
    assert len((await stores.approvals.load(request.id)).votes) == 1


@pytest.mark.parametrize("status", [ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED])
async def test_a_vote_counts_only_while_the_request_is_pending(stores: Stores, status: ApprovalStatus) -> None:
    request = await stores.approvals.create(a_request())
    await claim(stores, request, status)
    with pytest.raises(AlreadyDecidedError):
        await stores.approvals.vote(a_vote(request, "U0BOB", "reject"))
    assert (await stores.approvals.load(request.id)).votes == ()


async def test_what_somebody_has_rejected_cannot_be_claimed_as_approved(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    await stores.approvals.vote(a_vote(request, "U0BOB", "reject"))
    assert not await claim(stores, request, ApprovalStatus.APPROVED)
    assert await claim(stores, request, ApprovalStatus.REJECTED)


async def test_a_rejection_and_a_claim_at_once_never_leave_an_approved_row_with_a_rejection(stores: Stores) -> None:
    requests = [await stores.approvals.create(a_request()) for _ in range(20)]
    for request in requests:
        vote = stores.approvals.vote(a_vote(request, "U0BOB", "reject"))
        await asyncio.gather(vote, claim(stores, request, ApprovalStatus.APPROVED), return_exceptions=True)
        row = await stores.approvals.load(request.id)
        assert (row.status is ApprovalStatus.APPROVED) is (row.votes == ())


def a_ballot(request: ApprovalRequest, person: str, choice: Choice = "approve", **changed: object) -> Ballot:
    return Ballot(a_vote(request, person, choice), an_audit_event(kind="VoteCast", subject=request.id, **changed))


async def test_the_vote_that_decides_is_written_with_the_decision_and_before_it_in_the_history(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    told = an_audit_event(kind="ApprovalDecided", subject=request.id)
    ballot = a_ballot(request, "U0BOB")
    assert await claim(stores, request, ApprovalStatus.APPROVED, event=told, ballot=ballot)
    row = await stores.approvals.load(request.id)
    assert (row.status, row.votes) == (ApprovalStatus.APPROVED, (ballot.vote,))
    assert [event.kind for event in await stores.audit.of_subject(request.id)] == ["VoteCast", "ApprovalDecided"]


async def test_a_claim_that_is_lost_leaves_the_vote(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    await stores.approvals.vote(a_vote(request, "U0CAROL", "reject"))
    told = an_audit_event(kind="ApprovalDecided", subject=request.id)
    assert not await claim(stores, request, ApprovalStatus.APPROVED, event=told, ballot=a_ballot(request, "U0BOB"))
    row = await stores.approvals.load(request.id)
    assert (row.status, len(row.votes)) == (ApprovalStatus.PENDING, 2)
    assert [event.kind for event in await stores.audit.of_subject(request.id)] == ["VoteCast"]


async def test_a_vote_that_does_not_count_decides_nothing(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    await stores.approvals.vote(a_vote(request, "U0BOB"))
    with pytest.raises(AlreadyVotedError):
        await claim(stores, request, ApprovalStatus.APPROVED, ballot=a_ballot(request, "U0BOB"))
    assert (await stores.approvals.load(request.id)).status is ApprovalStatus.PENDING
    await claim(stores, request, ApprovalStatus.EXPIRED)
    with pytest.raises(AlreadyDecidedError):
        await claim(stores, request, ApprovalStatus.REJECTED, ballot=a_ballot(request, "U0CAROL", "reject"))
    assert len((await stores.approvals.load(request.id)).votes) == 1
    assert await stores.audit.of_subject(request.id) == []


async def test_a_decision_whose_history_cannot_be_written_leaves_no_vote_either(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    told = an_audit_event(kind="ApprovalDecided", subject=request.id, at=NAIVE)
    with pytest.raises(ValueError, match="time zone"):
        await claim(stores, request, ApprovalStatus.APPROVED, event=told, ballot=a_ballot(request, "U0BOB"))
    row = await stores.approvals.load(request.id)
    assert (row.status, row.votes) == (ApprovalStatus.PENDING, ())


async def test_of_twenty_people_who_decide_at_once_one_wins_and_the_others_come_too_late(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    told = an_audit_event(kind="ApprovalDecided", subject=request.id)
    ballots = [a_ballot(request, f"U{number}") for number in range(20)]
    claims = (claim(stores, request, ApprovalStatus.APPROVED, event=told, ballot=each) for each in ballots)
    ended = await asyncio.gather(*claims, return_exceptions=True)
    assert ended.count(True) == 1
    assert sum(isinstance(each, AlreadyDecidedError) for each in ended) == 19
    assert len((await stores.approvals.load(request.id)).votes) == 1
    assert len(await stores.audit.of_subject(request.id)) == 2


async def test_the_first_claim_wins_and_stands(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    assert await claim(stores, request, ApprovalStatus.APPROVED)
    assert not await claim(stores, request, ApprovalStatus.APPROVED)
    assert not await claim(stores, request, ApprovalStatus.REJECTED)
    loaded = await stores.approvals.load(request.id)
    assert (loaded.status, loaded.decided_at, loaded.execute_by) == (ApprovalStatus.APPROVED, SOON, EXECUTE_BY)


async def test_of_twenty_claims_at_once_one_wins(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    statuses = [ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED, ApprovalStatus.SUPERSEDED]
    won = await asyncio.gather(*(claim(stores, request, status) for status in statuses * 5))
    assert won.count(True) == 1
    assert (await stores.approvals.load(request.id)).status is statuses[won.index(True) % 4]


async def test_an_approval_of_other_bytes_is_not_an_approval(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    assert not await claim(stores, request, ApprovalStatus.APPROVED, digest="0" * 64)
    assert (await stores.approvals.load(request.id)).status is ApprovalStatus.PENDING


async def test_the_decide_by_clock_is_sharp(stores: Stores) -> None:
    for late_by, won in ((-1, True), (0, False), (1, False)):
        request = await stores.approvals.create(a_request())
        now = request.decide_by + timedelta(microseconds=late_by)
        assert await claim(stores, request, ApprovalStatus.APPROVED, now=now) is won


async def test_a_rejection_or_an_expiry_needs_no_clock(stores: Stores) -> None:
    for status in (ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED):
        request = await stores.approvals.create(a_request())
        assert await claim(stores, request, status, now=request.decide_by + timedelta(days=1), execute_by=None)


async def test_an_approved_request_ends_once(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    approvals = stores.approvals
    assert not await approvals.finish(request.id, status=ApprovalStatus.EXECUTED, text="early", now=SOON)
    await claim(stores, request, ApprovalStatus.APPROVED)
    assert await approvals.finish(request.id, status=ApprovalStatus.EXECUTED, text="restarted", now=SOON)
    assert not await approvals.finish(request.id, status=ApprovalStatus.FAILED, text="second", now=SOON)
    loaded = await approvals.load(request.id)
    assert (loaded.status, loaded.outcome_text, loaded.finished_at) == (ApprovalStatus.EXECUTED, "restarted", SOON)


async def test_only_what_was_executed_can_have_been_rolled_back(stores: Stores) -> None:
    approvals = stores.approvals
    request = await approvals.create(a_request())
    await claim(stores, request, ApprovalStatus.APPROVED)
    assert not await approvals.finish(request.id, status=ApprovalStatus.ROLLED_BACK, text="", now=SOON)
    await approvals.finish(request.id, status=ApprovalStatus.EXECUTED, text="", now=SOON)
    assert await approvals.finish(request.id, status=ApprovalStatus.ROLLED_BACK, text="undone", now=SOON)
    assert (await approvals.load(request.id)).status is ApprovalStatus.ROLLED_BACK


async def test_what_waits_for_votes_comes_oldest_first(stores: Stores) -> None:
    young = await stores.approvals.create(a_request(created_at=SOON))
    old = await stores.approvals.create(a_request(created_at=START))
    decided = await stores.approvals.create(a_request())
    await claim(stores, decided, ApprovalStatus.REJECTED)
    assert [row.id for row in await stores.approvals.pending()] == [old.id, young.id]


async def test_a_decision_is_undelivered_until_its_graph_has_been_told(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    assert await stores.approvals.undelivered() == []
    await claim(stores, request, ApprovalStatus.APPROVED)
    assert [row.id for row in await stores.approvals.undelivered()] == [request.id]
    await stores.approvals.delivered(request.id)
    await stores.approvals.delivered(request.id)
    assert await stores.approvals.undelivered() == []


async def test_an_incidents_and_a_reports_requests_are_found_oldest_first(stores: Stores) -> None:
    young = await stores.approvals.create(a_request(created_at=SOON, report_id="rep_1"))
    old = await stores.approvals.create(a_request(created_at=START))
    talk = await stores.approvals.create(a_request(incident_id=None, report_id="rep_2"))
    undo = await stores.approvals.create(
        a_request(incident_id=None, report_id="rep_2", rollback_of=talk.id, created_at=SOON)
    )
    await stores.approvals.create(a_request(incident_id=None))
    find = stores.approvals.of
    assert [row.id for row in await find(incident_id="INC-1")] == [old.id, young.id]
    assert [row.id for row in await find(report_id="rep_2")] == [talk.id, undo.id]
    assert [row.id for row in await find(incident_id="INC-1", report_id="rep_1")] == [old.id, young.id]
    assert await find(incident_id="INC-2") == await find(report_id="") == await find() == []


async def test_the_cards_place_is_remembered(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    await stores.approvals.place(request.id, "17.000200")
    assert (await stores.approvals.load(request.id)).card_ts == "17.000200"


async def test_a_vote_and_its_line_of_the_history_stand_together_or_not_at_all(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    cast = an_audit_event(kind="VoteCast", subject=request.id)
    with pytest.raises(ValueError, match="time zone"):
        await stores.approvals.vote(a_vote(request, "U0BOB"), cast.model_copy(update={"at": NAIVE}))
    assert (await stores.approvals.load(request.id)).votes == ()
    await stores.approvals.vote(a_vote(request, "U0BOB"), cast)
    with pytest.raises(AlreadyVotedError):
        await stores.approvals.vote(a_vote(request, "U0BOB"), cast)
    assert list(await stores.audit.of_subject(request.id)) == [cast]


async def test_a_decision_and_its_line_of_the_history_stand_together_or_not_at_all(stores: Stores) -> None:
    request = await stores.approvals.create(a_request())
    decided = an_audit_event(kind="ApprovalDecided", subject=request.id)
    with pytest.raises(ValueError, match="time zone"):
        await claim(stores, request, ApprovalStatus.APPROVED, event=decided.model_copy(update={"at": NAIVE}))
    assert (await stores.approvals.load(request.id)).status is ApprovalStatus.PENDING
    won = [
        await claim(stores, request, status, event=decided)
        for status in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)
    ]
    assert won == [True, False]
    assert list(await stores.audit.of_subject(request.id)) == [decided]
