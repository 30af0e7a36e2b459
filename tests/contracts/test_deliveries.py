"""What every implementation of core.ports.Deliveries and DeadLetters does: attempts, ends, and what people decide."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.adapters.database.delivery_store import SqlDeliveries, row_id
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.models import events
from core.dead_letter import DeadLetter
from core.errors import NoDataError
from core.event import Event, Start
from tests.fakes.clock import START
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.examples import an_event

Rows = InMemoryDeliveries | SqlDeliveries
LATER = START + timedelta(minutes=5)


@pytest.fixture
async def rows(store_url: str | None) -> AsyncIterator[Rows]:
    """Yield the store in every form."""
    if store_url is None:
        yield InMemoryDeliveries()
        return
    opened = open_database(store_url)
    yield SqlDeliveries(opened)
    await opened.close()


async def begin(rows: Rows, event: Event, alone: bool = False) -> Start:
    return await rows.begin(event, START, most=3, alone=alone)


async def states(rows: Rows, event: Event, number: int) -> list[str]:
    return [(await begin(rows, event)).state for _ in range(number)]


async def a_dead_one(rows: Rows, **fields: str) -> DeadLetter:
    event = an_event(**fields)
    await begin(rows, event)
    await rows.bury(event, "ValueError (ref ref_1)", START)
    return await rows.load(event.id)


async def test_the_first_attempt_is_the_first_and_remembers_when_it_began(rows: Rows) -> None:
    event = an_event()
    assert await begin(rows, event) == Start("begun", 1, START)
    await rows.failed(event.id, "ValueError", START)
    assert await rows.begin(event, LATER, most=3) == Start("begun", 2, START)


async def test_what_is_done_is_never_begun_again(rows: Rows) -> None:
    event = an_event()
    await begin(rows, event)
    await rows.done(event.id, LATER)
    assert await states(rows, event, 3) == ["over"] * 3
    await rows.failed(event.id, "late news of another worker", LATER)
    await rows.release({event.id: ""}, LATER)
    await rows.bury(event, "late news of another worker", LATER)
    assert (await rows.load(event.id)).status == "done"


async def test_failed_attempts_count_and_the_fourth_is_not_begun(rows: Rows) -> None:
    event = an_event()
    for number in (1, 2, 3):
        assert (await begin(rows, event)).number == number
        await rows.failed(event.id, "ValueError", START)
    assert await begin(rows, event) == Start("spent", 3, START)


async def test_released_attempts_do_not_count(rows: Rows) -> None:
    event, other = an_event(), an_event()
    for _ in range(9):
        assert (await begin(rows, event)).number == (await begin(rows, other)).number == 1
        await rows.release({event.id: "", other.id: "", "evt_unknown": ""}, START)


async def test_what_twice_ended_without_a_word_has_its_last_attempt_alone(rows: Rows) -> None:
    event = an_event()
    assert await states(rows, event, 5) == ["begun", "begun", "suspect", "suspect", "suspect"]
    assert await begin(rows, event, alone=True) == Start("begun", 3, START)
    assert await states(rows, event, 2) == ["spent", "spent"]


async def test_what_failed_in_good_order_is_no_suspect(rows: Rows) -> None:
    event = an_event()
    await begin(rows, event)
    await begin(rows, event)
    await rows.failed(event.id, "ValueError", START)
    assert (await begin(rows, event)).state == "begun"


async def test_a_dead_letter_is_kept_whole_and_only_acknowledged(rows: Rows) -> None:
    event = an_event(body={"text": "nul \0 half \ud83d"}, key="k\0")
    await begin(rows, event)
    await rows.bury(event, "ValueError (ref ref_1)", LATER)
    await rows.bury(event, "again", START)
    assert (await begin(rows, event)).state == "over"
    (letter,) = await rows.dead()
    assert (letter.event, letter.error, letter.attempts) == (event, "ValueError (ref ref_1)", 1)
    assert (letter.kind, letter.received_at, letter.ended_at) == (event.kind, event.received_at, LATER)


async def test_an_event_may_be_buried_that_was_never_begun(rows: Rows) -> None:
    await rows.bury(an_event(id="evt_raw"), "unreadable", START)
    assert [letter.id for letter in await rows.dead()] == ["evt_raw"]


async def test_a_letter_that_is_tried_again_has_all_its_attempts_and_keeps_its_event_until_it_begins(
    rows: Rows,
) -> None:
    letter = await a_dead_one(rows)
    assert letter.event is not None
    assert await rows.decide(letter.id, retry=True, person="U0ALICE", now=LATER)
    waiting = await rows.load(letter.id)
    assert (waiting.status, waiting.decided_by, waiting.event) == ("taken", "U0ALICE", letter.event)
    assert await rows.begin(letter.event, LATER, most=3) == Start("begun", 1, LATER)
    assert (await rows.load(letter.id)).event is None


async def test_a_discarded_letter_is_over(rows: Rows) -> None:
    letter = await a_dead_one(rows)
    assert await rows.decide(letter.id, retry=False, person="U0ALICE", now=LATER)
    now = await rows.load(letter.id)
    assert (now.status, now.decided_by, now.error, now.event) == ("done", "U0ALICE", letter.error, None)
    assert await rows.dead() == []


async def test_of_many_decisions_on_a_letter_one_wins(rows: Rows) -> None:
    letter = await a_dead_one(rows)
    deciding = (rows.decide(letter.id, retry=number % 2 == 0, person="U0ALICE", now=LATER) for number in range(10))
    assert (await asyncio.gather(*deciding)).count(True) == 1
    assert not await rows.decide("evt_unknown", retry=True, person="U0ALICE", now=LATER)


async def test_a_card_is_told_of_each_change_once(rows: Rows) -> None:
    async def tell() -> list[str]:
        found = await rows.untold()
        for each in found:
            await rows.told(each)
        return [each.status for each in found]

    letter = await a_dead_one(rows)
    assert [await tell(), await tell()] == [["dead"], []]
    await rows.decide(letter.id, retry=True, person="U0ALICE", now=LATER)
    assert [await tell(), await tell()] == [["taken"], []]
    assert letter.event is not None
    await begin(rows, letter.event)
    await rows.done(letter.id, LATER)
    assert [await tell(), await tell()] == [["done"], []]
    await begin(rows, ordinary := an_event())
    await rows.done(ordinary.id, LATER)
    assert await tell() == []


async def test_what_moved_on_while_its_card_was_drawn_is_drawn_again(rows: Rows) -> None:
    letter = await a_dead_one(rows)
    (drawn,) = await rows.untold()
    await rows.decide(letter.id, retry=True, person="U0ALICE", now=LATER)
    await rows.bury(an_event(id=letter.id), "again", LATER)
    await rows.told(drawn)
    assert [each.error for each in await rows.untold()] == ["again"]


async def test_old_rows_are_forgotten_when_they_are_done(rows: Rows) -> None:
    done, dead, running = an_event(), await a_dead_one(rows), an_event()
    await begin(rows, running)
    await begin(rows, done)
    await rows.done(done.id, START)
    assert [await rows.forget(START), await rows.forget(LATER)] == [0, 1]
    assert (await begin(rows, done)).state == "begun"
    assert (await rows.load(dead.id)).status == "dead"


async def test_a_letter_that_is_not_there_is_no_data(rows: Rows) -> None:
    with pytest.raises(NoDataError):
        await rows.load("evt_unknown")


@pytest.mark.parametrize("odd", ["", "a:b*c", "\ud83d", "nul \0", "x" * 5000, "sha256:x"])
async def test_an_odd_id_has_a_row_of_its_own(database: Database, odd: str) -> None:
    rows = SqlDeliveries(database)
    assert (await begin(rows, an_event(id=odd))).state == "begun"
    await rows.done(odd, START)
    assert (await begin(rows, an_event(id=odd))).state == "over"
    assert len(row_id(odd)) <= 200
    assert len({row_id(each) for each in ("", "\ud83d", "\ud83e", "a\0", "a\ufffd", odd + "!")}) == 6


async def test_of_twenty_at_once_each_attempt_is_counted(database: Database) -> None:
    rows, event = SqlDeliveries(database), an_event()
    begun = await asyncio.gather(*(rows.begin(event, START, most=100) for _ in range(20)))
    assert sorted(start.number for start in begun) == list(range(1, 21))


async def test_a_hundred_events_at_once_share_their_commits(database: Database) -> None:
    rows, commits = SqlDeliveries(database), 0
    given = [an_event() for _ in range(100)]

    from sqlalchemy import event as signals

    @signals.listens_for(database.engine.sync_engine, "commit")
    def _count(_: object) -> None:
        nonlocal commits
        commits += 1

    await asyncio.gather(*(begin(rows, event) for event in given))
    assert commits <= 3
    async with database.reading() as connection:
        assert len((await connection.execute(select(events.c.id))).all()) == 100


async def test_one_caller_that_gives_up_takes_nothing_from_the_others(database: Database) -> None:
    rows = SqlDeliveries(database)
    tasks = [asyncio.create_task(begin(rows, an_event())) for _ in range(10)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(each, Start) for each in ended] == [False] + [True] * 9


async def test_letters_that_keep_failing_to_be_told_do_not_starve_the_others(rows: Rows) -> None:
    for number in range(55):
        await rows.bury(an_event(id=f"evt_{number:02}"), "ValueError", START + timedelta(seconds=number))
    first = [letter.id for letter in await rows.untold()]
    assert (len(first), "evt_54" in first) == (50, False)
    for letter in await rows.untold():
        await rows.not_told(letter)
    assert [letter.id for letter in await rows.untold()][:5] == [f"evt_{number}" for number in range(50, 55)]


async def test_news_of_an_attempt_changes_nothing_once_another_has_begun(rows: Rows) -> None:
    event = an_event()
    await rows.begin(event, START, most=3, attempt="a")
    await rows.begin(event, START, most=3, attempt="b")
    await rows.failed(event.id, "late", LATER, attempt="a")
    await rows.release({event.id: "a"}, LATER)
    await rows.bury(event, "late", LATER, attempt="a")
    row = await rows.load(event.id)
    assert (row.status, row.attempts, row.error, row.ended_at) == ("taken", 2, "", None)
    for _ in range(2):  # an answer that was lost: said twice, taken back once
        await rows.release({event.id: "b"}, LATER)
    assert (await rows.load(event.id)).attempts == 1
