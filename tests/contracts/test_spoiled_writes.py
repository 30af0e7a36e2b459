"""One row that cannot be written: nobody else fails for it, and it is not tried for ever."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import Database
from bot.adapters.database.group_commit import GroupCommit, _refuse, _Write
from bot.adapters.redis.cancelling import cancel_until_gone
from bot.delivery import Delivery
from core.errors import TransientError
from core.event import UNREADABLE, Event
from tests.fakes.clock import START, FakeClock
from tests.fakes.examples import an_event

# An aware moment that has no form in UTC.
UNWRITABLE = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))


class AllOrNothing(GroupCommit):
    """The broken variant: what spoils a transaction is everybody's fault."""

    async def _settle(self, batch: Sequence[_Write]) -> None:
        try:
            await self._commit(batch)
        except Exception as error:  # noqa: BLE001
            _refuse(batch, error)


async def begun_beside_a_spoiler(rows: SqlDeliveries) -> list[bool]:
    given = [an_event(), an_event(received_at=UNWRITABLE), *(an_event() for _ in range(5))]
    ended = await asyncio.gather(*(rows.begin(each, START, most=3) for each in given), return_exceptions=True)
    return [not isinstance(each, BaseException) for each in ended]


async def test_only_the_write_that_spoils_a_transaction_fails(database: Database) -> None:
    assert await begun_beside_a_spoiler(SqlDeliveries(database)) == [True, False, *[True] * 5]


async def test_if_a_transaction_is_all_or_nothing_its_neighbours_fail_too(database: Database) -> None:
    rows = SqlDeliveries(database)
    rows._commits = AllOrNothing(database)
    assert (await begun_beside_a_spoiler(rows)).count(False) > 1


class Ended(BaseException):
    """What no handler expects."""


async def told_when_the_writer_is_ended(commits: GroupCommit, monkeypatch: pytest.MonkeyPatch) -> bool:
    async def end(_batch: Sequence[_Write]) -> None:
        raise Ended

    monkeypatch.setattr(commits, "_commit", end)
    statement = text("SELECT 1")
    writes = [asyncio.create_task(commits.run(str(number), statement)) for number in range(3)]
    await asyncio.wait(writes, timeout=0.5)
    with suppress(Ended):
        await commits._writer  # type: ignore[misc]
    told = all(write.done() and isinstance(write.exception(), TransientError) for write in writes)
    await cancel_until_gone(writes)
    return told


async def test_whoever_waits_for_a_writer_that_is_ended_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await told_when_the_writer_is_ended(GroupCommit(database), monkeypatch)


async def test_a_writer_that_says_nothing_at_its_end_leaves_them_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not await told_when_the_writer_is_ended(AllOrNothing(database), monkeypatch)


async def test_an_event_whose_row_cannot_be_written_ends_as_a_dead_letter(database: Database) -> None:
    rows, ran = SqlDeliveries(database), 0

    async def handle(_: Event) -> None:
        nonlocal ran
        ran += 1

    delivery, bad = Delivery(handle, rows, FakeClock()), an_event(received_at=UNWRITABLE)
    for _ in range(2):
        with pytest.raises(Exception, match="date value out of range"):
            await delivery.handle(bad)
    await delivery.handle(bad)
    (letter,) = await rows.dead()
    assert (letter.id, letter.kind, ran) == (bad.id, UNREADABLE, 0)
    assert letter.event is not None
    assert repr(bad) in str(letter.event.body)
    assert not delivery._rejected
    assert not delivery._owed


async def test_a_kind_that_no_database_holds_has_a_row_all_the_same(database: Database) -> None:
    rows = SqlDeliveries(database)
    assert (await rows.begin(an_event(kind="nul \0 half \ud83d"), START, most=3)).state == "begun"


def test_a_moment_without_a_zone_makes_no_event() -> None:
    with pytest.raises(ValidationError):
        an_event(received_at=START.replace(tzinfo=None))
    assert an_event(received_at=START.astimezone(UTC)).received_at == START
