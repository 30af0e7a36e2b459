"""One row that cannot be written: nobody else fails for it, and it is not tried for ever."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import Database
from bot.adapters.database.group_commit import GroupCommit, _refuse, _Write
from bot.delivery import Delivery
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
