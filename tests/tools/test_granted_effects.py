"""The last look before an effect that a grant let through: the grant still holds, and the tool is no wrapper."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.person import Person
from core.policy import Policy
from core.services.grant_book import GrantBook, every_tool_wraps
from core.services.granting import Granting, GrantWish
from core.standing_grant import OneOf, Shape
from core.tool_call import ToolCall, plan_digest
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_request
from tests.fakes.grants import InMemoryGrants
from tests.tools.conftest import Bench
from tools.guard import Guard, Standing, without_grants
from tools.registry import Registry

ALICE = "U0ALICE"
POLICY = {
    "version": 1,
    "groups": {"sre": [ALICE]},
    "rules": [{"name": "all", "effect": "approve", "groups": ["sre"]}],
    "grants": [{"groups": ["sre"], "max_uses": 5, "max_for": "2h"}],
}


class Granted:
    """A request to restart checkout that was approved by ALICE's grant alone."""

    def __init__(self, bench: Bench) -> None:
        policy = Policy.parse(b"", POLICY)
        people = InMemoryDirectory([Person(id=ALICE, name="Alice")])
        self.bench, self.sha256 = bench, policy.sha256
        self.grants = InMemoryGrants(bench.approvals, bench.audit)
        self.book = GrantBook(self.grants, people, policy, bench.audit, bench.clock, bench.registry().wraps)
        self.granting = Granting(self.book, bench.approvals, bench.approvals)

    async def approved(self) -> tuple[ApprovalRequest, Grant]:
        """Give the grant, let it vote and claim the approval."""
        bench = self.bench
        plan = await bench.guard().plan(ToolCall(name="restart_service", args={"service": "checkout"}))
        asked = a_request(plan=plan, created_at=bench.clock.now(), requester="alert")
        needed = asked.requirement.model_copy(
            update={"policy_sha256": self.sha256, "members_of": {"sre": (ALICE,)}, "members": (ALICE,)}
        )
        asked = a_request(plan=plan, created_at=bench.clock.now(), requester="alert", requirement=needed)
        digest = plan_digest(plan, requester=asked.requester, requirement=needed)
        row = await bench.approvals.create(asked.model_copy(update={"digest": digest}))
        args: dict[str, Shape] = {"service": OneOf(values=("checkout",))}
        wish = GrantWish(approval_id=row.id, args=args, uses=2, lasts=timedelta(hours=1), reason="flaky")
        self.grant = await self.granting.give(await self.granting.draft(ALICE, wish, "V1"))
        now = bench.clock.now()
        vote = Vote(approval_id=row.id, person=ALICE, choice="approve", at=now, grant_id=self.grant.id)
        assert await self.grants.use(self.grant, vote, []) == 1
        until = now + timedelta(minutes=5)
        status = ApprovalStatus.APPROVED
        assert await bench.approvals.claim(
            row.id, digest=row.digest, status=status, now=now, execute_by=until, grants=(self.grant.id,)
        )
        row = await bench.approvals.load(row.id)
        await bench.audit.record(row)
        return row, Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=until)

    def guard(self, standing: Standing, registry: Registry | None = None) -> Guard:
        bench = self.bench
        bench.effects.audit = bench.audit
        return Guard(
            registry or bench.registry(),
            bench.approvals,
            bench.effects,
            bench.audit,
            bench.clock,
            lambda: bench.frozen,
            standing=standing,
        )


async def everything_stands(row: ApprovalRequest) -> list[Vote]:
    """Broken on purpose: a vote that was counted once counts for ever."""
    return list(row.votes)


@pytest.fixture
def granted(bench: Bench) -> Granted:
    return Granted(bench)


async def test_what_a_grant_let_through_runs_once(granted: Granted) -> None:
    row, grant = await granted.approved()
    guard = granted.guard(granted.book.standing)
    assert [(await guard.execute(row, grant)).status for _ in range(2)] == ["ok", "ok"]
    assert len(granted.bench.peer.effects) == 1


async def test_a_grant_that_was_revoked_after_the_claim_has_no_effect(granted: Granted) -> None:
    row, grant = await granted.approved()
    await granted.granting.revoke(granted.grant.id, ALICE)
    assert (await granted.guard(granted.book.standing).execute(row, grant)).status == "refused"
    assert granted.bench.peer.effects == []
    assert (await granted.guard(everything_stands).execute(row, grant)).status == "ok", "which the twin does not see"


async def test_a_freeze_holds_what_a_grant_let_through(granted: Granted) -> None:
    row, grant = await granted.approved()
    granted.bench.frozen = True
    assert (await granted.guard(granted.book.standing).execute(row, grant)).status == "refused"


async def test_a_guard_that_knows_of_no_grants_counts_none(granted: Granted) -> None:
    row, grant = await granted.approved()
    assert (await granted.guard(without_grants).execute(row, grant)).status == "refused"
    assert granted.bench.peer.effects == []


async def test_a_grant_store_that_is_away_counts_as_no_grant(granted: Granted) -> None:
    async def away(row: ApprovalRequest) -> list[Vote]:
        raise ConnectionError(row.id)

    row, grant = await granted.approved()
    assert (await granted.guard(away).execute(row, grant)).status == "refused"


async def test_a_tool_that_has_become_a_wrapper_runs_by_no_grant(granted: Granted) -> None:
    row, grant = await granted.approved()
    plain = granted.bench.registry()
    wrapping = Registry(plain.environment, [replace(spec, wrapper=True) for spec in plain])
    assert (await granted.guard(everything_stands, wrapping).execute(row, grant)).status == "refused"
    assert granted.bench.peer.effects == []


def test_a_tool_counts_as_a_wrapper_until_its_author_says_otherwise(bench: Bench) -> None:
    registry = bench.registry()
    changing = {spec.name for spec in registry if spec.action is not None}
    assert changing == {spec.name for spec in registry if not spec.wrapper}
    assert registry.wraps("kubectl_exec")
    assert every_tool_wraps("restart_service")
