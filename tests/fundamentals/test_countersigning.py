"""What approval means here, told as an on-call engineer would tell it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta

import pytest

from core.alert import AlertStatus
from core.approval import ApprovalRequest, ApprovalStatus, Vote, tally
from core.audit import AuditEvent
from core.brief import Place, Proposal
from core.contradictions import contradictions
from core.errors import (
    AlreadyDecidedError,
    ApprovalExpiredError,
    NotAnApproverError,
    PolicyDeniedError,
    SelfApprovalError,
    StaleApprovalError,
)
from core.person import Person
from core.policy import Policy
from core.risk import Risk
from core.services.approval_desk import ApprovalDesk
from core.services.sweeper import Sweeper
from core.tool_call import Plan
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import FakeClock
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_plan, a_request, an_alert
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue

ALICE, CAROL, BOB, GUEST, GONE, BOT = "U0ALICE", "U0CAROL", "U0BOB", "U0GUEST", "U0GONE", "U0BOT"
PEOPLE = (
    Person(id=ALICE, name="Alice"),
    Person(id=CAROL, name="Carol"),
    Person(id=BOB, name="Bob"),
    Person(id=GUEST, name="Gus", is_guest=True),
    Person(id=GONE, name="Gone", is_deactivated=True),
    Person(id=BOT, name="Bot", is_bot=True),
)
POLICY = {
    "version": 1,
    "groups": {"sre": ["S0SRE"], "leads": [ALICE, CAROL]},
    "rules": [
        {"name": "never destroy", "match": {"risk": ["destructive"]}, "effect": "deny"},
        {
            "name": "payments needs two",
            "match": {"service": "payments"},
            "effect": "approve",
            "groups": ["sre", "leads"],
            "quorum": 2,
        },
        {"name": "on call", "match": {"risk": ["reversible", "disruptive"]}, "effect": "approve", "groups": ["sre"]},
    ],
}


class YieldingApprovals(InMemoryApprovals):
    """Gives way between look and change, as a database does, so that races can happen."""

    async def load(self, approval_id: str) -> ApprovalRequest:
        row = await super().load(approval_id)
        await asyncio.sleep(0)
        return row


@dataclass
class Desk:
    """A desk with everything around it in memory."""

    approvals: InMemoryApprovals = field(default_factory=YieldingApprovals)
    queue: InMemoryQueue = field(default_factory=InMemoryQueue)
    audit: InMemoryAudit = field(default_factory=InMemoryAudit)
    clock: FakeClock = field(default_factory=FakeClock)
    cards: RecordingCards = field(default_factory=RecordingCards)
    incidents: InMemoryIncidents = field(default_factory=InMemoryIncidents)

    def __post_init__(self) -> None:
        self.approvals.audit = self.audit
        members = {"S0SRE": {ALICE, CAROL, GUEST, GONE, BOT}}
        directory = InMemoryDirectory(PEOPLE, members)
        self.desk = ApprovalDesk(
            self.approvals, directory, Policy.parse(b"", POLICY), self.queue, self.audit, self.clock
        )
        self.sweeper = Sweeper(self.approvals, self.approvals, self.incidents, self.cards, self.queue, self.clock)

    async def asked(self, *, requester: str = "alert", plan: Plan | None = None) -> str:
        plan = plan or a_plan()
        proposal = Proposal(
            remediation_id="rem_1",
            call=plan.call,
            place=Place(channel="C0INCIDENTS", thread_ts="1.0"),
            requester=requester,
            reason="errors since the last deploy",
            incident_id="INC-1",
        )
        return (await self.desk.request("apr_1", plan, proposal, "remediation:rem_1")).id

    async def status(self) -> ApprovalStatus:
        return (await self.approvals.load("apr_1")).status

    def resumed(self) -> Sequence[str]:
        return [event.id for event in self.queue.waiting if event.kind == "job.resume"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_one_listed_approver_is_enough_where_policy_says_one(desk: Desk) -> None:
    row = await desk.desk.vote(await desk.asked(), ALICE, "approve")
    assert row.status is ApprovalStatus.APPROVED
    assert row.execute_by == desk.clock.now() + timedelta(minutes=5)
    assert len(desk.resumed()) == 1
    assert desk.audit.kinds == ["ApprovalRequested", "VoteCast", "ApprovalDecided"]


async def test_two_approvers_means_two_people(desk: Desk) -> None:
    request = await desk.asked(plan=a_plan(service="payments"))
    for _ in range(2):
        assert (await desk.desk.vote(request, ALICE, "approve")).status is ApprovalStatus.PENDING
    assert (await desk.desk.vote(request, CAROL, "approve")).status is ApprovalStatus.APPROVED
    assert desk.audit.kinds.count("VoteCast") == 2


async def test_whoever_has_approved_may_take_it_back_until_it_is_decided(desk: Desk) -> None:
    request = await desk.asked(plan=a_plan(service="payments"))
    await desk.desk.vote(request, ALICE, "approve")
    ended = await desk.desk.vote(request, ALICE, "reject", "wrong service")
    assert (ended.status, ended.outcome_text) == (
        ApprovalStatus.REJECTED,
        "An approval was taken back: wrong service",
    )
    assert len(desk.resumed()) == 1
    assert contradictions(ended, None, await desk.audit.of_subject(request)) == []
    with pytest.raises(AlreadyDecidedError):
        await desk.desk.vote(request, CAROL, "approve")


class FirstWordHolds(ApprovalDesk):
    """Broken on purpose: who has approved is not heard again."""

    async def _take_back(self, request: ApprovalRequest, vote: Vote) -> ApprovalRequest | None:
        return request


async def test_a_desk_that_does_not_hear_who_takes_it_back_approves_on_the_next_signature(desk: Desk) -> None:
    desk.desk = FirstWordHolds(*(getattr(desk.desk, each.name) for each in fields(ApprovalDesk)))
    request = await desk.asked(plan=a_plan(service="payments"))
    await desk.desk.vote(request, ALICE, "approve")
    await desk.desk.vote(request, ALICE, "reject", "wrong service")
    assert (await desk.desk.vote(request, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_what_is_approved_can_no_longer_be_taken_back(desk: Desk) -> None:
    request = await desk.asked(plan=a_plan(service="payments"))
    await desk.desk.vote(request, ALICE, "approve")
    await desk.desk.vote(request, CAROL, "approve")
    with pytest.raises(AlreadyDecidedError):
        await desk.desk.vote(request, ALICE, "reject", "too late")
    assert await desk.status() is ApprovalStatus.APPROVED


async def test_whoever_asked_may_not_countersign(desk: Desk) -> None:
    request = await desk.asked(requester=ALICE)
    with pytest.raises(SelfApprovalError, match="somebody else"):
        await desk.desk.vote(request, ALICE, "approve")
    assert (await desk.desk.vote(request, CAROL, "approve")).status is ApprovalStatus.APPROVED


@pytest.mark.parametrize("person", [BOB, GUEST, GONE, BOT])
async def test_people_outside_the_groups_guests_leavers_and_bots_are_refused_and_it_is_written_down(
    desk: Desk, person: str
) -> None:
    request = await desk.asked()
    with pytest.raises(NotAnApproverError, match="sre"):
        await desk.desk.vote(request, person, "approve")
    assert await desk.status() is ApprovalStatus.PENDING
    assert desk.audit.events[-1].kind == "VoteRefused"
    assert desk.audit.events[-1].actor == person


async def test_a_double_click_is_one_decision(desk: Desk) -> None:
    request = await desk.asked()
    clicks = await asyncio.gather(
        *(desk.desk.vote(request, ALICE, "approve") for _ in range(10)), return_exceptions=True
    )
    assert [click for click in clicks if not isinstance(click, ApprovalRequest)] == []
    assert desk.audit.kinds == ["ApprovalRequested", "VoteCast", "ApprovalDecided"]
    assert len(desk.resumed()) == 1


async def test_a_click_that_is_delivered_again_is_answered_with_the_request_as_it_stands(desk: Desk) -> None:
    request = await desk.asked()
    first = await desk.desk.vote(request, ALICE, "approve")
    known = desk.audit.kinds
    assert await desk.desk.vote(request, ALICE, "approve") == first
    assert desk.audit.kinds == known
    with pytest.raises(AlreadyDecidedError, match="already approved by <@U0ALICE>;"):
        await desk.desk.vote(request, ALICE, "reject", "changed my mind")


class LateApprovals(YieldingApprovals):
    """Lets Alice approve after Carol's rejection was checked and before it is written."""

    late: Callable[[], Awaitable[object]] | None = None

    async def vote(self, vote: Vote, event: AuditEvent | None = None) -> None:
        if vote.choice == "reject" and self.late is not None:
            await self.late()
        await super().vote(vote, event)


async def a_late_rejection(approvals: LateApprovals) -> tuple[Desk, BaseException | None]:
    desk = Desk(approvals=approvals)
    request = await desk.asked()
    approvals.late = lambda: desk.desk.vote(request, ALICE, "approve")
    [refusal] = await asyncio.gather(desk.desk.vote(request, CAROL, "reject", "no"), return_exceptions=True)
    return desk, refusal if isinstance(refusal, BaseException) else None


async def test_a_rejection_that_comes_after_the_decision_is_not_written_and_told_who_decided() -> None:
    desk, refusal = await a_late_rejection(LateApprovals())
    assert isinstance(refusal, AlreadyDecidedError)
    assert "already approved by <@U0ALICE>;" in str(refusal)
    row = await desk.approvals.load("apr_1")
    assert tally(row.requirement, row.votes) is row.status is ApprovalStatus.APPROVED


async def test_votes_that_are_written_whatever_the_status_would_be_caught() -> None:
    class Heedless(LateApprovals):
        async def vote(self, vote: Vote, event: AuditEvent | None = None) -> None:
            if vote.choice == "reject" and self.late is not None:
                await self.late()
            row = self.rows[vote.approval_id]
            self.rows[row.id] = row.model_copy(update={"votes": (*row.votes, vote)})

    desk, _ = await a_late_rejection(Heedless())
    row = await desk.approvals.load("apr_1")
    assert tally(row.requirement, row.votes) is not row.status


async def test_approve_and_reject_at_once_have_one_winner(desk: Desk) -> None:
    request = await desk.asked()
    await asyncio.gather(
        desk.desk.vote(request, ALICE, "approve"), desk.desk.vote(request, CAROL, "reject"), return_exceptions=True
    )
    assert await desk.status() in {ApprovalStatus.APPROVED, ApprovalStatus.REJECTED}
    assert len(desk.resumed()) == 1


async def test_a_claim_that_reads_before_it_writes_would_be_caught() -> None:
    class ReadThenWrite(YieldingApprovals):
        async def claim(self, approval_id: str, **decision: object) -> bool:
            row = await self.load(approval_id)
            if row.status is not ApprovalStatus.PENDING:
                return False
            await asyncio.sleep(0)
            self.rows[approval_id] = self.rows[approval_id].model_copy(update={"status": decision["status"]})
            return True

        async def vote(self, vote: Vote, event: AuditEvent | None = None) -> None:
            await asyncio.sleep(0)
            await super().vote(vote, event)

    desk = Desk(approvals=ReadThenWrite())
    request = await desk.asked()
    won = await asyncio.gather(
        desk.desk.vote(request, ALICE, "approve"), desk.desk.vote(request, CAROL, "approve"), return_exceptions=True
    )
    assert sum(isinstance(each, ApprovalRequest) for each in won) == 2


async def test_a_late_click_is_told_who_decided(desk: Desk) -> None:
    request = await desk.asked()
    await desk.desk.vote(request, ALICE, "reject", "not during the sale")
    with pytest.raises(AlreadyDecidedError, match="already rejected by <@U0ALICE>"):
        await desk.desk.vote(request, CAROL, "approve")


async def test_a_request_that_nobody_decides_expires_and_says_so(desk: Desk) -> None:
    request = await desk.asked()
    desk.clock.advance(minutes=30)
    with pytest.raises(ApprovalExpiredError):
        await desk.desk.vote(request, ALICE, "approve")
    await desk.sweeper.tick()
    assert await desk.status() is ApprovalStatus.EXPIRED
    assert ("approval", request) in desk.cards.shown


class ShutCards(RecordingCards):
    """Cards of which one cannot be shown, for whatever reason."""

    async def show_approval(self, approval_id: str) -> None:
        if approval_id == "apr_1":
            raise ValueError("no such channel")
        await super().show_approval(approval_id)


async def test_a_request_that_cannot_be_shown_keeps_no_other_from_its_turn() -> None:
    desk = Desk(cards=ShutCards())
    await desk.asked()
    await desk.approvals.create(a_request(id="apr_2", decide_by=desk.clock.now()))
    await desk.approvals.create(a_request(id="apr_3", status=ApprovalStatus.REJECTED, decided_at=desk.clock.now()))
    desk.clock.advance(minutes=30)
    with pytest.raises(ExceptionGroup) as swept:
        await desk.sweeper.tick()
    assert [str(fault) for fault in swept.value.exceptions] == ["no such channel"]
    assert desk.cards.shown == [("approval", "apr_2")]
    assert [event.body["approval_id"] for event in desk.queue.waiting] == ["apr_3"]
    await desk.sweeper.tick()


async def test_a_request_that_outlives_its_alert_is_withdrawn(desk: Desk) -> None:
    await desk.incidents.join(an_alert(), desk.clock.now())
    await desk.asked()
    await desk.sweeper.tick()
    assert await desk.status() is ApprovalStatus.PENDING
    await desk.incidents.join(an_alert(status=AlertStatus.RESOLVED), desk.clock.now())
    await desk.sweeper.tick()
    assert await desk.status() is ApprovalStatus.SUPERSEDED


async def test_what_a_person_asked_for_outlives_the_alert(desk: Desk) -> None:
    await desk.incidents.join(an_alert(), desk.clock.now())
    await desk.asked(requester=BOB)
    await desk.incidents.join(an_alert(status=AlertStatus.RESOLVED), desk.clock.now())
    await desk.sweeper.tick()
    assert await desk.status() is ApprovalStatus.PENDING


async def test_whoever_asked_may_withdraw(desk: Desk) -> None:
    request = await desk.asked(requester=BOB)
    assert (await desk.desk.vote(request, BOB, "reject", "I was wrong")).status is ApprovalStatus.REJECTED


async def test_a_request_of_an_older_policy_has_to_be_asked_for_anew(desk: Desk) -> None:
    request = await desk.asked()
    stricter = replace(desk.desk, policy=Policy.parse(b"another", POLICY))
    with pytest.raises(StaleApprovalError, match="policy has changed"):
        await stricter.vote(request, ALICE, "approve")
    assert await desk.status() is ApprovalStatus.PENDING
    assert (await stricter.vote(request, ALICE, "reject", "not like this")).status is ApprovalStatus.REJECTED


async def test_a_decision_that_a_crash_kept_from_its_graph_is_told_again(desk: Desk) -> None:
    await desk.desk.vote(await desk.asked(), ALICE, "approve")
    desk.queue.waiting.clear()
    desk.clock.advance(seconds=6)
    for _ in range(5):
        await desk.sweeper.tick()
    assert len(desk.resumed()) == 1


async def test_a_crash_between_vote_and_claim_is_mended_by_the_next_click(desk: Desk) -> None:
    request = await desk.asked()
    vote = Vote(approval_id=request, person=ALICE, choice="approve", at=desk.clock.now())
    await desk.approvals.vote(vote, desk.desk._event("VoteCast", ALICE, request, None, choice="approve"))
    assert (await desk.desk.vote(request, ALICE, "approve")).status is ApprovalStatus.APPROVED


async def test_what_policy_denies_never_becomes_a_request(desk: Desk) -> None:
    with pytest.raises(PolicyDeniedError, match="never destroy"):
        await desk.asked(plan=a_plan(risk=Risk.DESTRUCTIVE))
    assert desk.approvals.rows == {}
    assert desk.audit.kinds == ["ApprovalDenied"]
