"""An edit and a decision at the same moment: one of them happens, on every engine."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Vote
from tests.contracts.conftest import Stores
from tests.contracts.test_approvals import EXECUTE_BY, NAIVE, SOON, claim
from tests.fakes.examples import a_plan, a_request, an_audit_event

ENDED = "Edited by <@U0BOB>: workers: 4 → 8."


def an_edited(old: ApprovalRequest, **fields: Any) -> ApprovalRequest:
    given = {"requester": "U0BOB", "replaces": old.id, "created_at": SOON, "plan": a_plan(service="payments")}
    return a_request(**(given | fields))


async def replace(stores: Stores, new: ApprovalRequest) -> bool:
    return await stores.approvals.replace(new, text=ENDED, events=(an_audit_event(kind="ApprovalSuperseded"),))


async def test_the_old_request_ends_and_the_new_one_stands_with_its_line_of_the_history(stores: Stores) -> None:
    old = await stores.approvals.create(a_request())
    new = an_edited(old)
    assert await replace(stores, new)
    ended = await stores.approvals.load(old.id)
    assert (ended.status, ended.outcome_text, ended.decided_at) == (ApprovalStatus.SUPERSEDED, ENDED, SOON)
    assert await stores.approvals.load(new.id) == new
    assert [row.id for row in await stores.approvals.pending()] == [new.id]
    assert [event.kind for event in await stores.audit.of_subject("apr_1")] == ["ApprovalSuperseded"]


async def test_what_is_decided_late_or_rejected_is_not_replaced_and_nothing_is_written(stores: Stores) -> None:
    decided, late, rejected = [await stores.approvals.create(a_request()) for _ in range(3)]
    await claim(stores, decided, ApprovalStatus.APPROVED)
    no = Vote(approval_id=rejected.id, person="U0CAROL", choice="reject", at=SOON)
    await stores.approvals.vote(no)
    news = [an_edited(decided), an_edited(late, created_at=late.decide_by), an_edited(rejected)]
    assert [await replace(stores, new) for new in news] == [False, False, False]
    rows = await stores.approvals.of(incident_id="INC-1")
    assert {row.id for row in rows} == {decided.id, late.id, rejected.id}
    assert await stores.audit.of_subject("apr_1") == []


async def test_a_request_is_replaced_once(stores: Stores) -> None:
    old = await stores.approvals.create(a_request())
    won = await asyncio.gather(*(replace(stores, an_edited(old)) for _ in range(8)))
    assert sum(won) == 1
    assert len(await stores.approvals.of(incident_id="INC-1")) == 2


async def test_an_edit_whose_history_cannot_be_written_did_not_happen(stores: Stores) -> None:
    old = await stores.approvals.create(a_request())
    broken = an_audit_event(at=NAIVE)
    if not hasattr(stores.approvals, "rows"):
        with pytest.raises(Exception, match="time zone"):
            await stores.approvals.replace(an_edited(old), text=ENDED, events=(broken,))
        assert [row.id for row in await stores.approvals.pending()] == [old.id]


async def race(stores: Stores, requests: int) -> list[tuple[bool, bool]]:
    """Approve and edit that many requests at the same moment; returns who won each: the approval, the edit."""
    won: list[tuple[bool, bool]] = []
    for number in range(requests):
        old = await stores.approvals.create(a_request())
        works = [claim(stores, old, ApprovalStatus.APPROVED), replace(stores, an_edited(old))]
        if number % 2:
            second, first = await asyncio.gather(*reversed(works))
            won.append((first, second))
        else:
            first, second = await asyncio.gather(*works)
            won.append((first, second))
        row = await stores.approvals.load(old.id)
        assert row.status in (ApprovalStatus.APPROVED, ApprovalStatus.SUPERSEDED)
        assert not await claim(stores, old, ApprovalStatus.APPROVED)
    return won


async def test_of_an_approval_and_an_edit_at_once_exactly_one_wins(stores: Stores) -> None:
    won = await race(stores, 40)
    assert all(approved != edited for approved, edited in won)
    assert {approved for approved, _ in won} == {True, False}, "a race with one runner proves nothing"


async def test_the_twin_that_looks_before_it_writes_is_caught(stores: Stores) -> None:
    looked, written = asyncio.Event(), asyncio.Event()
    old = await stores.approvals.create(a_request())

    async def torn(new: ApprovalRequest) -> bool:
        if (await stores.approvals.load(old.id)).status is not ApprovalStatus.PENDING:
            return False
        looked.set()
        await written.wait()
        await stores.approvals.create(new)
        return True

    async def approve() -> bool:
        await looked.wait()
        won = await claim(stores, old, ApprovalStatus.APPROVED)
        written.set()
        return won

    assert await asyncio.gather(approve(), torn(an_edited(old))) == [True, True]


async def test_what_a_request_replaces_is_kept(stores: Stores) -> None:
    old = await stores.approvals.create(a_request())
    assert await replace(stores, an_edited(old))
    late = timedelta(minutes=1)
    assert not await stores.approvals.claim(
        old.id, digest=old.digest, status=ApprovalStatus.APPROVED, now=SOON + late, execute_by=EXECUTE_BY
    )
