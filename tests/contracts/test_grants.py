"""Grants in every form of the store: uses are counted with their votes, and what has ended lets nothing through."""

import asyncio
import json
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.grant_store import SqlGrants
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.errors import AlreadyVotedError, NoDataError, TransientError
from core.policy import Policy
from core.services.grant_book import CREATED, GrantBook, Grants
from core.standing_grant import OneOf, StandingGrant
from tests.contracts.conftest import Stores
from tests.contracts.test_claim_race import line
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.clock import START, FakeClock
from tests.fakes.databases import *
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_plan, a_request
from tests.fakes.grants import InMemoryGrants

LATER = START + timedelta(hours=2)


def a_grant(**fields: Any) -> StandingGrant:
    plan = a_plan()
    given: dict[str, Any] = {
        "id": "grt_1",
        "tool": plan.call.name,
        "tool_version": "1",
        "risk": plan.risk,
        "env": plan.env,
        "service": plan.service,
        "beneficiary": "",
        "args": {"service": OneOf(values=("checkout",))},
        "uses": 3,
        "created_at": START,
        "expires_at": LATER,
        "by": "U0ALICE",
        "reason": "it forgets its connections",
        "given_on": "apr_1",
        "policy_sha256": "0" * 64,
    }
    return StandingGrant(**(given | fields)).sealed()


def told(kind: str, grant: StandingGrant, at: datetime = START, **details: Any) -> AuditEvent:
    return AuditEvent(kind=kind, actor=grant.by, subject=grant.id, at=at, details=details)


def vote_of(grant: StandingGrant, request: ApprovalRequest, at: datetime = START) -> Vote:
    return Vote(approval_id=request.id, person=grant.by, choice="approve", at=at, grant_id=grant.id)


async def use(grants: Grants, grant: StandingGrant, request: ApprovalRequest, at: datetime = START) -> int | None:
    return await grants.use(grant, vote_of(grant, request, at), [told("GrantUsed", grant)])


@pytest.fixture
def grants(stores: Stores) -> Grants:
    if isinstance(stores.approvals, InMemoryApprovals):
        return InMemoryGrants(stores.approvals, stores.audit)
    return SqlGrants(stores.approvals._database)


async def test_a_grant_comes_back_as_it_was_given_with_its_uses(stores: Stores, grants: Grants) -> None:
    grant = a_grant()
    assert await grants.add(grant, told(CREATED, grant))
    assert not await grants.add(a_grant(uses=1), told(CREATED, grant))
    assert await grants.load(grant.id) == grant
    request = await stores.approvals.create(a_request())
    assert await use(grants, grant, request) == 1
    assert [each.used for each in await grants.open()] == [1]
    (vote,) = (await stores.approvals.load(request.id)).votes
    assert (vote.grant_id, vote.grant_use) == (grant.id, 1)
    with pytest.raises(NoDataError):
        await grants.load("grt_2")
    assert [event.kind for event in await stores.audit.of_subject(grant.id)] == [CREATED, "GrantUsed"]


async def test_a_use_that_does_not_count_leaves_nothing(stores: Stores, grants: Grants) -> None:
    grant = a_grant(uses=2)
    await grants.add(grant, told(CREATED, grant))
    first, second, third, late = [await stores.approvals.create(a_request()) for _ in range(4)]
    assert await use(grants, grant, first) == 1
    assert await use(grants, grant, first) is None, "one vote of one person"
    assert await use(grants, grant, late, LATER) is None, "over its time"
    await stores.approvals.claim(third.id, digest="", status=ApprovalStatus.REJECTED, now=START, execute_by=None)
    assert await use(grants, grant, third) is None, "decided already"
    assert await use(grants, grant, second) == 2
    assert await use(grants, grant, late) is None, "all uses are taken"
    assert (await grants.load(grant.id)).used == 2
    assert len(await stores.audit.of_subject(grant.id)) == 3


async def test_a_hand_votes_beside_its_own_grant_once(stores: Stores, grants: Grants) -> None:
    first, second = a_grant(), a_grant(id="grt_2")
    for grant in (first, second):
        assert await grants.add(grant, told(CREATED, grant))
    request = await stores.approvals.create(a_request())
    assert await use(grants, first, request) == 1
    assert await use(grants, second, request) is None, "two grants of one person are one vote"
    by_hand = Vote(approval_id=request.id, person=first.by, choice="reject", at=START + timedelta(seconds=1))
    await stores.approvals.vote(by_hand)
    with pytest.raises(AlreadyVotedError):
        await stores.approvals.vote(by_hand.model_copy(update={"choice": "approve"}))
    votes = (await stores.approvals.load(request.id)).votes
    assert [(vote.choice, vote.grant_id) for vote in votes] == [("approve", first.id), ("reject", None)]


async def test_a_claim_that_rests_on_a_grant_needs_it_as_it_stands(stores: Stores, grants: Grants) -> None:
    grant = a_grant()
    await grants.add(grant, told(CREATED, grant))
    request = await stores.approvals.create(a_request())
    await use(grants, grant, request)
    given: dict[str, Any] = {"digest": request.digest, "status": ApprovalStatus.APPROVED, "execute_by": LATER}
    minutes = timedelta(minutes=10)
    assert not await stores.approvals.claim(request.id, now=START, grants=("grt_2",), **given)
    assert await grants.end(grant.id, "revoked", "U0BOB", told("GrantRevoked", grant, START + minutes))
    assert not await grants.end(grant.id, "expired", "", told("GrantExpired", grant, START + minutes))
    assert not await stores.approvals.claim(request.id, now=START + minutes, grants=(grant.id,), **given)
    assert await use(grants, grant, await stores.approvals.create(a_request())) is None
    ended = await grants.load(grant.id)
    assert (ended.ended_as, ended.ended_by, ended.ended_at) == ("revoked", "U0BOB", START + minutes)
    assert list(await grants.open()) == []
    assert await stores.approvals.claim(request.id, now=START + minutes, **given), "without it, by others"


async def race(url: str, kind: str, uses: int, requests: int) -> int:
    """Let two processes use one grant on that many requests of their own, in step; returns how many uses there were."""
    database = open_database(url)
    approvals, grants = SqlApprovals(database, FakeClock()), SqlGrants(database)
    grant = a_grant(uses=uses)
    await grants.add(grant, told(CREATED, grant))
    await asyncio.gather(*(approvals.create(a_request()) for _ in range(2 * requests)))
    command = [sys.executable, "-m", "tests.contracts.grant_race", url, kind]
    sides = [await asyncio.create_subprocess_exec(*command, side, stdin=PIPE, stdout=PIPE) for side in "01"]
    try:
        for _ in range(requests):
            for side in sides:
                assert await line(side) == "ready"
            for side in sides:
                assert side.stdin is not None
                side.stdin.write(b"go\n")
        won = [json.loads(await line(side)) for side in sides]
        assert all(won), "a race with one runner proves nothing"
        assert (await grants.load(grant.id)).used == sum(map(len, won))
        return sum(map(len, won))
    finally:
        for side in sides:
            if side.returncode is None:
                side.terminate()
            await side.communicate()
        await database.close()


async def test_two_processes_never_use_a_grant_more_often_than_it_says(any_database_url: str) -> None:
    assert await race(any_database_url, "sound", uses=15, requests=20) == 15


async def test_a_count_in_a_transaction_of_its_own_is_overrun(database_url: str) -> None:
    assert await race(database_url, "torn", uses=3, requests=3) > 3


class TrustingBook(GrantBook):
    """Broken on purpose: believes a row that can be read."""

    async def _why_lapsed(self, grant: StandingGrant, request: ApprovalRequest) -> str:
        return grant.why_over(self.clock.now()) or grant.misfit(request.plan)


async def let_through(url: str, kind: type[GrantBook], mutations: int) -> tuple[int, int]:
    """Change one byte of a stored grant that many times; returns how often it still let its request through, and how
    often it could be read at all."""
    database, clock = open_database(url), FakeClock()
    grants, audit, random = SqlGrants(database), SqlAudit(database), Random(20261122)
    policy = Policy.parse(b"", {"version": 1, "groups": {}, "rules": [{"name": "none", "effect": "deny"}]})
    grant = a_grant(policy_sha256=policy.sha256)
    await grants.add(grant, told(CREATED, grant, digest=grant.digest, by=grant.by))
    book = kind(grants, InMemoryDirectory([]), policy, audit, clock, lambda _: False)
    request = a_request()
    request = request.model_copy(
        update={"requirement": request.requirement.model_copy(update={"policy_sha256": policy.sha256})}
    )
    assert list(await book.offers(request)) == [grant]
    passed = read = 0
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as thief:
        for (name,) in thief.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            thief.execute(f"DROP TRIGGER {name}")
        body, digest = thief.execute("SELECT body, digest FROM standing_grants").fetchone()
        sound = {"body": body, "digest": digest}
        for _ in range(mutations):
            column = random.choices(("body", "digest"), (9, 1))[0]
            at, byte = random.randrange(len(sound[column])), random.randrange(32, 127)
            changed = sound[column][:at] + chr(byte) + sound[column][at + 1 :]
            thief.execute(f"UPDATE standing_grants SET {column} = ?", (changed,))
            try:
                present = await grants.load(grant.id)
                read += present != grant
                passed += present != grant and bool(await book.offers(request))
            except (ValueError, NoDataError, TransientError):
                assert not await book.offers(request)
            thief.execute(f"UPDATE standing_grants SET {column} = ?", (sound[column],))
        thief.execute("UPDATE standing_grants SET ended_at = NULL, ended_as = NULL")
    await grants.end(grant.id, "revoked", "U0BOB", told("GrantRevoked", grant))
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as thief:
        thief.execute("UPDATE standing_grants SET ended_at = NULL, ended_as = NULL, ended_by = ''")
    mended = bool(await book.offers(request))
    await database.close()
    return passed + mended, read


async def test_a_grant_of_which_one_byte_was_changed_lets_nothing_through(database_url: str) -> None:
    passed, read = await let_through(database_url, GrantBook, 300)
    assert passed == 0
    assert read > 50


async def test_a_book_that_believes_its_rows_is_caught_by_the_same_changes(database_url: str) -> None:
    assert (await let_through(database_url, TrustingBook, 100))[0] > 5


async def test_a_grant_that_the_history_does_not_know_lets_nothing_through(database: Database) -> None:
    grants, clock = SqlGrants(database), SystemClock()
    policy = Policy.parse(b"", {"version": 1, "groups": {}, "rules": [{"name": "none", "effect": "deny"}]})
    grant = a_grant(policy_sha256=policy.sha256, expires_at=clock.now() + timedelta(hours=1))
    await grants.add(grant, told(CREATED, grant, digest="0" * 64, by=grant.by))
    book = GrantBook(grants, InMemoryDirectory([]), policy, SqlAudit(database), clock, lambda _: False)
    request = a_request()
    needed = request.requirement.model_copy(update={"policy_sha256": policy.sha256})
    assert list(await book.offers(request.model_copy(update={"requirement": needed}))) == []
