"""An approval given ahead: it is one person's vote on what is just like it, so often and so long, and no more."""

import asyncio
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.brief import Place, Proposal
from core.errors import NotAnApproverError, RefusedError
from core.policy import Policy
from core.risk import Risk
from core.services.approval_desk import ApprovalDesk
from core.services.grant_book import GrantBook
from core.services.granting import Granting, GrantWish
from core.standing_grant import Between, OneOf, Shape, StandingGrant
from core.tool_call import Plan, ToolCall
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_plan
from tests.fakes.grants import InMemoryGrants
from tests.fundamentals.test_countersigning import ALICE, BOB, CAROL, GUEST, POLICY, Desk

TWO_HOURS = timedelta(hours=2)
RIGHT = {"groups": ["sre"], "match": {"risk": ["reversible", "disruptive"]}, "max_uses": 5, "max_for": "2h"}
GRANTS: dict[str, Any] = POLICY | {"grants": [RIGHT]}


def scaled(workers: Any = 4, **fields: Any) -> Plan:
    """Return a plan to give checkout so many workers."""
    args = {"service": "checkout", "workers": workers}
    return a_plan(call=ToolCall(name="scale_workers", args=args), risk=Risk.REVERSIBLE, **fields)


@dataclass
class Grants(Desk):
    """A desk that knows of grants, and the use cases around them."""

    policy: Policy = field(default_factory=lambda: Policy.parse(b"", GRANTS))
    wrappers: tuple[str, ...] = ("run_command",)
    frozen: str = ""
    warned: str = ""
    asked_so_far: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.store = InMemoryGrants(self.approvals, self.audit)
        self.use_policy(self.policy)

    async def why_frozen(self) -> str:
        return self.frozen

    async def warn(self, call: ToolCall, incident_id: str | None, report_id: str | None) -> str:
        return self.warned

    def use_policy(self, policy: Policy) -> None:
        book = GrantBook(
            self.store,
            self.desk.directory,
            policy,
            self.audit,
            self.clock,
            lambda name: name in self.wrappers,
            self.warn,
        )
        self.desk = replace(self.desk, policy=policy, frozen=self.why_frozen, grants=book)
        self.book, self.granting = book, Granting(book, self.approvals, self.approvals)

    @property
    def people(self) -> InMemoryDirectory:
        assert isinstance(self.desk.directory, InMemoryDirectory)
        return self.desk.directory

    async def ask(self, plan: Plan, requester: str = "alert", **more: Any) -> ApprovalRequest:
        self.asked_so_far += 1
        number = str(self.asked_so_far)
        proposal = Proposal(
            remediation_id=f"rem_{number}",
            call=plan.call,
            place=Place(channel="C0INCIDENTS", thread_ts="1.0"),
            requester=requester,
            reason="load",
            **more,
        )
        return await self.desk.request(f"apr_{number}", plan, proposal, f"remediation:rem_{number}")

    async def wish(self, person: str = ALICE, plan: Plan | None = None, **changes: Any) -> StandingGrant:
        """Draft a grant for 2 to 8 workers, made from a request for four."""
        request = await self.ask(plan or scaled(), requester=BOB)
        args: dict[str, Shape] = {"service": OneOf(values=("checkout",)), "workers": Between(low=2, high=8)}
        args = args if plan is None else {name: OneOf(values=(value,)) for name, value in plan.call.args.items()}
        given = {"approval_id": request.id, "args": args, "uses": 5, "lasts": TWO_HOURS, "reason": "busy day"}
        return await self.granting.draft(person, GrantWish(**(given | changes)), f"V{self.asked_so_far}")

    async def give(self, person: str = ALICE, **changes: Any) -> StandingGrant:
        return await self.granting.give(await self.wish(person, **changes))


@pytest.fixture
def desk() -> Grants:
    return Grants()


async def test_what_fits_runs_unasked_until_the_uses_are_spent(desk: Grants) -> None:
    grant = await desk.give(uses=2)
    for number, workers in enumerate((2, 8), start=1):
        request = await desk.ask(scaled(workers))
        assert request.status is ApprovalStatus.APPROVED
        (vote,) = request.votes
        assert (vote.person, vote.grant_id, vote.grant_use) == (ALICE, grant.id, number)
    assert (await desk.ask(scaled(4))).status is ApprovalStatus.PENDING
    assert desk.audit.kinds.count("GrantUsed") == 2
    assert (await desk.store.load(grant.id)).used == 2
    assert list(await desk.granting.open()) == []
    assert len(desk.resumed()) == 2


@pytest.mark.parametrize(
    "plan",
    [
        scaled(9),
        scaled(1),
        scaled(True),
        scaled(4.0),
        scaled("4"),
        scaled(4, env="staging"),
        scaled(4, service="payments"),
        scaled(4, tool_version="2"),
        scaled(4, beneficiary=CAROL),
        scaled(4).model_copy(update={"risk": Risk.DISRUPTIVE}),
        scaled(4).model_copy(update={"call": ToolCall(name="scale_workers", args={"service": "checkout"})}),
        scaled(4).model_copy(update={"call": ToolCall(name="scale", args={"service": "checkout", "workers": 4})}),
    ],
)
async def test_what_differs_in_anything_waits_for_people(desk: Grants, plan: Plan) -> None:
    await desk.give()
    assert (await desk.ask(plan)).votes == ()


async def test_what_was_found_bad_waits_for_people_who_read_the_warning(desk: Grants) -> None:
    await desk.give()
    desk.warned = "This was done here before, and it did not help."
    assert (await desk.ask(scaled())).votes == ()
    desk.warned = ""
    assert len((await desk.ask(scaled())).votes) == 1


async def test_nobody_approves_their_own_request_ahead(desk: Grants) -> None:
    await desk.give(ALICE)
    assert (await desk.ask(scaled(), requester=ALICE)).votes == ()
    assert desk.audit.events[-1].details["why"] == "SelfApprovalError"
    assert (await desk.ask(scaled(), requester=CAROL)).status is ApprovalStatus.APPROVED


async def test_where_two_have_to_approve_a_grant_is_one_of_them(desk: Grants) -> None:
    rules = [{**POLICY["rules"][2], "quorum": 2}]  # type: ignore[index]
    desk.use_policy(Policy.parse(b"", GRANTS | {"rules": rules}))
    await desk.give(ALICE)
    request = await desk.ask(scaled())
    assert (request.status, len(request.votes)) == (ApprovalStatus.PENDING, 1)
    await desk.give(ALICE)
    assert len((await desk.ask(scaled())).votes) == 1, "two grants of one person are one vote"
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_whoever_gave_a_grant_takes_its_vote_back_by_revoking_it(desk: Grants) -> None:
    grant, request = await granted_where_two_have_to_approve(desk)
    await desk.granting.revoke(grant.id, ALICE)
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.PENDING


async def granted_where_two_have_to_approve(desk: Grants, **changes: Any) -> tuple[StandingGrant, ApprovalRequest]:
    """Return a grant of ALICE's and a request that it has voted on."""
    rules = [{**POLICY["rules"][2], "quorum": 2}]  # type: ignore[index]
    desk.use_policy(Policy.parse(b"", GRANTS | {"rules": rules}))
    grant = await desk.give(ALICE, **changes)
    request = await desk.ask(scaled())
    assert [vote.grant_id for vote in request.votes] == [grant.id]
    return grant, request


async def test_whoever_gave_a_grant_may_reject_what_it_has_approved(desk: Grants) -> None:
    _, request = await granted_where_two_have_to_approve(desk)
    assert (await desk.desk.vote(request.id, ALICE, "reject", "not today")).status is ApprovalStatus.REJECTED
    assert (await desk.desk.vote(request.id, ALICE, "reject")).status is ApprovalStatus.REJECTED, "a click comes twice"


async def test_whoever_gave_a_grant_that_is_over_may_approve_by_hand(desk: Grants) -> None:
    _, request = await granted_where_two_have_to_approve(desk, lasts=timedelta(minutes=5))
    desk.clock.advance(minutes=6)
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.PENDING
    assert (await desk.desk.vote(request.id, ALICE, "approve")).status is ApprovalStatus.APPROVED


async def test_a_hand_beside_its_own_grant_is_one_human(desk: Grants) -> None:
    _, request = await granted_where_two_have_to_approve(desk)
    now = await desk.desk.vote(request.id, ALICE, "approve")
    assert (now.status, len(now.votes)) == (ApprovalStatus.PENDING, 2)
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_a_grant_that_is_revoked_does_not_take_the_hand_with_it(desk: Grants) -> None:
    grant, request = await granted_where_two_have_to_approve(desk)
    await desk.desk.vote(request.id, ALICE, "approve")
    await desk.granting.revoke(grant.id, ALICE)
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_no_policy_says_so_and_nobody_may(desk: Grants) -> None:
    desk.use_policy(Policy.parse(b"", POLICY))
    with pytest.raises(NotAnApproverError, match="ahead"):
        await desk.give(ALICE)
    assert desk.audit.kinds[-1] == "GrantRefused"


@pytest.mark.parametrize("person", [BOB, GUEST, "U0NOBODY"])
async def test_whoever_may_not_approve_may_not_approve_ahead(desk: Grants, person: str) -> None:
    with pytest.raises(NotAnApproverError):
        await desk.give(person)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"uses": 6}, "at most 5 uses"),
        ({"uses": 0}, "at most 5 uses"),
        ({"lasts": timedelta(hours=3)}, "at most 5 uses"),
        ({"lasts": timedelta(0)}, "at most 5 uses"),
        ({"reason": " "}, "reason"),
        ({"args": {"service": OneOf(values=("checkout",))}}, "other arguments"),
        ({"args": {"service": OneOf(values=("checkout",)), "workers": OneOf(values=(9,))}}, "has to fit"),
    ],
)
async def test_a_grant_stays_within_what_policy_allows(desk: Grants, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        await desk.wish(**changes)


WRAPPED = a_plan(call=ToolCall(name="run_command", args={"argv": "ls"}))
STRICT: dict[str, Any] = {"name": "strict", "match": {}, "effect": "approve", "groups": ["sre"]}


@pytest.mark.parametrize(
    ("rule", "plan", "why"),
    [
        (STRICT, WRAPPED, "runs what its arguments say"),
        (STRICT | {"typed_confirmation": True}, scaled(), "type its target"),
        (STRICT | {"second_model": True}, scaled(), "second opinion"),
        (STRICT, a_plan(risk=Risk.DESTRUCTIVE), "type its target"),
    ],
)
async def test_what_is_too_dangerous_for_one_word_ahead_is_refused(
    desk: Grants, rule: dict[str, Any], plan: Plan, why: str
) -> None:
    rights = [RIGHT | {"match": {}}]
    desk.use_policy(Policy.parse(b"", GRANTS | {"rules": [rule], "grants": rights}))
    with pytest.raises(RefusedError, match=why):
        await desk.wish(plan=plan)


async def test_a_wrapper_that_was_none_when_it_was_granted_is_refused_at_its_use(desk: Grants) -> None:
    desk.wrappers = ()
    await desk.give(plan=WRAPPED)
    assert (await desk.ask(WRAPPED)).status is ApprovalStatus.APPROVED
    desk.wrappers = ("run_command",)
    assert (await desk.ask(WRAPPED)).votes == ()


async def test_a_freeze_suspends_every_grant(desk: Grants) -> None:
    grant = await desk.give()
    desk.frozen = "everything was frozen"
    assert (await desk.ask(scaled())).votes == ()
    assert desk.audit.events[-1].details["why"] == "FrozenError"
    desk.frozen = ""
    assert (await desk.ask(scaled())).status is ApprovalStatus.APPROVED
    assert (await desk.store.load(grant.id)).used == 1


async def test_it_ends_by_its_clock_by_a_hand_and_by_another_policy(desk: Grants) -> None:
    await desk.give()
    desk.clock.advance(hours=2)
    assert (await desk.ask(scaled())).votes == ()
    await desk.granting.expire()
    assert "GrantExpired" in desk.audit.kinds
    second = await desk.give()
    with pytest.raises(NotAnApproverError):
        await desk.granting.revoke(second.id, "U0STRANGER")
    await desk.granting.revoke(second.id, CAROL)
    with pytest.raises(RefusedError, match="ended already"):
        await desk.granting.revoke(second.id, ALICE)
    assert (await desk.ask(scaled())).votes == ()
    await desk.give()
    desk.use_policy(Policy.parse(b"another", GRANTS))
    assert (await desk.ask(scaled())).votes == ()


async def test_whoever_may_no_longer_approve_or_grant_has_granted_nothing(desk: Grants) -> None:
    await desk.give(ALICE)
    desk.people.groups["S0SRE"].discard(ALICE)
    assert (await desk.ask(scaled())).votes == ()


async def test_a_form_that_is_sent_twice_is_one_grant(desk: Grants) -> None:
    draft = await desk.wish()
    first = await desk.granting.give(draft)
    desk.clock.advance(seconds=3)
    assert await desk.granting.give(draft.model_copy(update={"uses": 4}).sealed()) == first
    assert desk.audit.kinds.count("GrantCreated") == 1


class InBetween(Grants):
    """Something happens after the vote of a grant and before the claim."""

    def between(self, what: Any) -> None:
        standing = self.approvals.load

        async def load(approval_id: str) -> ApprovalRequest:
            row = await standing(approval_id)
            if any(vote.grant_id for vote in row.votes) and not self.happened:
                self.happened = True
                await what()
            return row

        self.happened = False
        self.approvals.load = load  # type: ignore[method-assign]


class BlindDesk(ApprovalDesk):
    """Broken on purpose: a vote that was counted once counts for ever."""

    async def _standing(self, request: ApprovalRequest) -> list[Vote]:
        return [vote.model_copy(update={"grant_id": None}) for vote in request.votes]


async def revoked_in_between(kind: type[ApprovalDesk]) -> tuple[ApprovalStatus, InBetween]:
    desk = InBetween()
    grant = await desk.give()
    desk.desk = kind(*(getattr(desk.desk, each.name) for each in fields(ApprovalDesk)))

    async def revoke() -> None:
        await desk.granting.revoke(grant.id, ALICE)

    desk.between(revoke)
    request = await desk.ask(scaled())
    assert [vote.grant_id for vote in request.votes] == [grant.id]
    return request.status, desk


async def test_a_grant_that_is_revoked_between_its_vote_and_the_claim_decides_nothing() -> None:
    status, desk = await revoked_in_between(ApprovalDesk)
    assert status is ApprovalStatus.PENDING
    assert "VoteVoid" in desk.audit.kinds
    request = (await desk.approvals.pending())[-1]
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.APPROVED, "others still may"


async def test_a_desk_that_does_not_look_again_lets_the_revoked_grant_through() -> None:
    assert (await revoked_in_between(BlindDesk))[0] is ApprovalStatus.APPROVED


async def test_the_vote_stands_after_a_crash_before_the_claim(desk: Grants) -> None:
    await desk.give(uses=1)
    crashing = type("Crashing", (ApprovalDesk,), {"_decide": lambda *_, **__: asyncio.sleep(0, None)})
    sound, broken = desk.desk, crashing(*(getattr(desk.desk, each.name) for each in fields(ApprovalDesk)))
    desk.desk = broken
    assert await desk.ask(scaled()) is None
    desk.desk, desk.asked_so_far = sound, desk.asked_so_far - 1
    assert (await desk.ask(scaled())).status is ApprovalStatus.APPROVED
    assert desk.audit.kinds.count("GrantUsed") == 1


async def test_a_preview_says_what_would_and_would_not_be_let_through(desk: Grants) -> None:
    for plan, requester in ((scaled(9), "alert"), (scaled(3), "alert"), (scaled(5), ALICE)):
        await desk.ask(plan, requester)
    grant = await desk.wish()
    fits = {fit.request.plan.call.args["workers"]: fit.why_not for fit in await desk.granting.preview(grant)}
    assert fits == {9: "workers is 9, not 2 to 8", 3: "", 5: "it began with whoever gives the grant", 4: ""}
