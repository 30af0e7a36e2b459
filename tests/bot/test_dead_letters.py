"""What was given up: shown to operators, told to who waits, decided by members, and back in the queue on their word."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.__main__ import main
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import open_database
from bot.cards.dead_letters import DeadLetterCards
from bot.dead_letters import DeadLetterOffice
from bot.identifiers import DEAD_DISCARD, DEAD_RETRY
from bot.places import Places
from core.errors import TransientError
from core.event import UNREADABLE, Event
from core.ids import conversation_thread_id
from core.services.needs_human import NeedsHuman
from tests.bot.stage import ALICE, DAVE, INCIDENTS, Stage, buttons, open_listening_stage, words
from tests.fakes.clock import START
from tests.fakes.databases import *
from tests.fakes.examples import an_event


class Retries:
    """Implements core.ports.Retries; away for as long as it is told."""

    def __init__(self) -> None:
        self.put: list[Event] = []
        self.marks: set[str] = set()
        self.away = False

    async def put_again(self, event: Event, mark: str) -> bool:
        """Note it, once for each mark."""
        if self.away:
            raise TransientError("redis: ConnectionError")
        if fresh := mark not in self.marks:
            self.marks.add(mark)
            self.put.append(event)
        return fresh


@dataclass
class Graveyard:
    """A stage with an office over its letters."""

    stage: Stage
    retries: Retries

    def office(self) -> DeadLetterOffice:
        """Return an office as a fresh process has it."""
        stage = self.stage
        return DeadLetterOffice(
            stage.letters,
            self.retries,
            DeadLetterCards(stage.client, "#incidents"),
            NeedsHuman(stage.cards(), stage.audit, stage.clock),
            Places(stage.incidents, stage.approvals),
        )

    async def bury(self, **fields: Any) -> Event:
        """Give an event up and make it known."""
        event = an_event(**fields)
        await self.stage.letters.begin(event, self.stage.clock.now(), most=3)
        await self.stage.letters.bury(event, "ValueError (ref ref_1)", self.stage.clock.now())
        await self.office().tick()
        return event

    async def cards(self) -> list[dict[str, Any]]:
        """Return the operators' cards."""
        shown = await self.stage.history()
        return [each for each in shown if "Given up" in words(each) or "ref_1" in words(each)]

    async def press(self, action_id: str, person: str = ALICE) -> str:
        """Press a button of the newest card; returns what that person then is told."""
        ts = (await self.cards())[-1]["ts"]
        await self.stage.act("click", **{"as": person}, channel=INCIDENTS, ts=ts, action_id=action_id)
        return (await self.stage.whispers(person, thread_ts=ts))[-1]


@pytest.fixture
async def yard() -> AsyncIterator[Graveyard]:
    async with open_listening_stage() as stage:
        yield Graveyard(stage, Retries())


async def test_operators_get_one_card_however_often_it_is_told(yard: Graveyard) -> None:
    await yard.bury(kind="job.ask", body={})
    letter = (await yard.stage.letters.dead())[0]
    yard.stage.letters.rows[letter.id] = replace(yard.stage.letters.rows[letter.id], untold=True)  # killed before told
    await yard.office().tick()
    (card,) = await yard.cards()
    assert buttons(card) == ["Try again", "Discard"]
    assert "a question" in words(card)
    assert "ValueError (ref ref_1)" in words(card)


async def test_who_waits_in_a_thread_is_told_there(yard: Graveyard) -> None:
    asked = (await yard.stage.http.post("/control/post", json={"as": ALICE, "channel": "C0OPS", "text": "hm"})).json()
    body = {"channel": "C0OPS", "thread_ts": asked["ts"], "message_ts": asked["ts"], "question": "why?"}
    await yard.bury(kind="job.ask", key=conversation_thread_id("C0OPS", asked["ts"]), body=body)
    thread = await yard.stage.history(channel="C0OPS", thread_ts=asked["ts"])
    told = [words(each) for each in thread if "human" in words(each)]
    assert len(told) == 1
    assert "I could not answer this question" in told[0]


async def test_what_belongs_to_no_thread_is_in_the_history(yard: Graveyard) -> None:
    await yard.bury(kind="alert")
    await yard.bury(kind="job.resume", body={"approval_id": "apr_unknown"})
    assert yard.stage.audit.kinds.count("NeedsHuman") == 2


async def test_try_again_puts_the_very_event_back_and_tells_how_it_went(yard: Graveyard) -> None:
    event = await yard.bury()
    await yard.press(DEAD_RETRY)
    await yard.office().tick()
    assert yard.retries.put == [event]
    (card,) = await yard.cards()
    assert buttons(card) == []
    assert (await yard.stage.letters.begin(event, START, most=3)).number == 1
    await yard.stage.letters.done(event.id, START)
    await yard.office().tick()
    shown = await yard.stage.history()
    assert any("Done after all" in words(each) for each in shown)
    assert [event.kind for event in yard.stage.audit.events if event.actor == ALICE] == ["DeadLetterRetried"]


async def test_a_retry_that_the_queue_does_not_take_is_not_forgotten(yard: Graveyard) -> None:
    event = await yard.bury()
    await yard.press(DEAD_RETRY)
    yard.retries.away = True
    with pytest.raises(TransientError):
        await yard.office().tick()
    yard.retries.away = False
    for _ in range(3):
        await yard.office().tick()
    assert yard.retries.put == [event]


async def test_discard_ends_it_and_a_second_click_changes_nothing(yard: Graveyard) -> None:
    await yard.bury()
    assert "Discarded" in await yard.press(DEAD_DISCARD)
    assert "already discarded by" in await yard.press(DEAD_RETRY)
    assert yard.retries.put == []
    await yard.office().tick()
    assert any("Discarded" in words(each) for each in await yard.stage.history())


@pytest.mark.parametrize("action", [DEAD_RETRY, DEAD_DISCARD])
async def test_guests_decide_nothing(yard: Graveyard, action: str) -> None:
    await yard.bury()
    assert "Guests" in await yard.press(action, DAVE)
    assert len(await yard.stage.letters.dead()) == 1


async def test_what_is_no_event_can_only_be_discarded(yard: Graveyard) -> None:
    await yard.bury(kind=UNREADABLE, body={"fields": {"event": "{not json"}})
    (card,) = await yard.cards()
    assert buttons(card) == ["Discard"]


async def test_a_hundred_at_once_are_one_message(yard: Graveyard) -> None:
    for _ in range(40):
        event = an_event()
        await yard.stage.letters.bury(event, "TransientError (ref ref_1)", yard.stage.clock.now())
    await yard.office().tick()
    assert len(await yard.cards()) == 0
    shown = [words(each) for each in await yard.stage.history() if "40 events" in words(each)]
    assert len(shown) == 1
    assert await yard.stage.letters.untold() == []


async def test_a_letter_that_died_again_has_its_buttons_again(yard: Graveyard) -> None:
    event = await yard.bury()
    await yard.press(DEAD_RETRY)
    await yard.office().tick()
    await yard.stage.letters.begin(event, START, most=3)
    await yard.stage.letters.bury(event, "KeyError (ref ref_1)", START + timedelta(hours=1))
    await yard.office().tick()
    (card,) = await yard.cards()
    assert buttons(card) == ["Try again", "Discard"]
    assert "KeyError" in words(card)


async def a_database_with_a_letter(url: str) -> Event:
    database, event = open_database(url), an_event(kind="job.ask")
    await SqlDeliveries(database).bury(event, "ValueError (ref ref_1)", START)
    await database.close()
    return event


def dead(monkeypatch: pytest.MonkeyPatch, url: str, *words: str) -> int:
    monkeypatch.setenv("DATABASE_URL", url)
    return main(["--env-file", "/nowhere", "dead", *words])


def test_the_command_line_lists_and_decides(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = asyncio.run(a_database_with_a_letter(database_url))
    assert dead(monkeypatch, database_url, "list") == 0
    assert (
        f"{event.id}  job.ask  1 attempts  2026-11-02 09:00:00 UTC  ValueError (ref ref_1)" in capsys.readouterr().out
    )
    assert dead(monkeypatch, database_url, "retry", event.id) == 0
    assert dead(monkeypatch, database_url, "discard", event.id) == 1
    assert "already being tried again; nothing was changed" in capsys.readouterr().out
    assert dead(monkeypatch, database_url, "discard", "evt_unknown") == 1
    assert dead(monkeypatch, database_url, "discard") == 2
    assert dead(monkeypatch, database_url, "list") == 0
    assert "no dead letters" in capsys.readouterr().out
