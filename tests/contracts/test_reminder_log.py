"""One reminder is one worker's at a time, is counted once, and is free again when that worker is gone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import open_database
from bot.adapters.database.reminder_store import SqlReminders
from core.approval import ApprovalStatus
from core.services.reminders import ReminderLog
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import START, FakeClock
from tests.fakes.examples import a_request, an_audit_event
from tests.fakes.reminders import InMemoryReminders

MINUTE = timedelta(minutes=1)
Rows = tuple[InMemoryApprovals | SqlApprovals, InMemoryReminders | SqlReminders, InMemoryAudit | SqlAudit]


@pytest.fixture
async def rows(store_url: str | None) -> AsyncIterator[Rows]:
    if store_url is None:
        memory = InMemoryApprovals()
        yield memory, InMemoryReminders(memory), memory.audit  # pyright: ignore[reportReturnType]
        return
    database = open_database(store_url)
    yield SqlApprovals(database, FakeClock()), SqlReminders(database), SqlAudit(database)
    await database.close()


async def take(log: ReminderLog, approval_id: str, number: int = 1, after: timedelta = timedelta(0)) -> bool:
    now = START + after
    return await log.take(approval_id, number, now=now, until=now + MINUTE)


async def test_one_of_many_workers_sends_a_reminder(rows: Rows) -> None:
    approvals, log, _ = rows
    request = await approvals.create(a_request())
    assert sorted(await asyncio.gather(*(take(log, request.id) for _ in range(8)))) == [False] * 7 + [True]


async def test_what_a_dead_worker_held_is_free_after_its_time(rows: Rows) -> None:
    approvals, log, _ = rows
    request = await approvals.create(a_request())
    assert await take(log, request.id)
    assert not await take(log, request.id, after=MINUTE / 2)
    assert await take(log, request.id, after=MINUTE)


async def test_what_was_given_back_is_free_at_once_and_what_was_sent_never_again(rows: Rows) -> None:
    approvals, log, audit = rows
    request = await approvals.create(a_request())
    event = an_audit_event(kind="ReminderSent", subject=request.id)
    assert await take(log, request.id)
    await log.give_back(request.id, 1)
    assert await take(log, request.id)
    assert await log.sent(request.id, 1, event)
    assert not await log.sent(request.id, 1, event)
    assert not await take(log, request.id)
    assert (await approvals.load(request.id)).reminded == 1
    assert [event.kind for event in await audit.of_subject(request.id)] == ["ReminderSent"]
    assert await take(log, request.id, number=2)


async def test_reminders_are_sent_in_order_and_only_while_the_request_is_open(rows: Rows) -> None:
    approvals, log, _ = rows
    request = await approvals.create(a_request())
    assert not await take(log, request.id, number=2)
    await approvals.claim(request.id, digest=request.digest, status=ApprovalStatus.REJECTED, now=START, execute_by=None)
    assert not await take(log, request.id)


async def test_what_was_decided_is_unsettled_until_history_tells_of_it(rows: Rows) -> None:
    approvals, log, audit = rows
    asked, quiet, open_ = [await approvals.create(a_request()) for _ in range(3)]
    for request in (asked, open_):
        assert await take(log, request.id)
        assert await log.sent(request.id, 1, an_audit_event(kind="ReminderSent", subject=request.id))
    for request in (asked, quiet):
        await approvals.claim(
            request.id, digest=request.digest, status=ApprovalStatus.REJECTED, now=START, execute_by=None
        )
    assert list(await log.unsettled(START - MINUTE)) == [asked.id]
    assert list(await log.unsettled(START)) == []
    await audit.append(an_audit_event(kind="RemindersSettled", subject=asked.id))
    assert list(await log.unsettled(START - MINUTE)) == []
