"""Freezing from Slack: who may, what everybody sees on every open card and in App Home, and what a click comes to."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import identifiers
from bot.freeze_news import FreezeNews
from bot.open_cards import OpenCards
from core.approval import ApprovalStatus
from tests.bot.stage import ALICE, BOB, INCIDENTS, OPS, Stage, open_listening_stage, words
from tests.fakes.waiting import wait_until

BANNER = "FROZEN: nothing will run"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def ops(stage: Stage, text: str, person: str = ALICE, channel: str = OPS) -> str:
    """Type /ops; returns what only that person sees of it."""
    before = len(await stage.whispers(person, channel))
    await stage.act("slash", **{"as": person}, channel=channel, command="/ops", text=text)
    return " ".join((await stage.whispers(person, channel))[before:])


async def draw(stage: Stage) -> None:
    """Do what the queued refreshes ask for, as the worker does."""
    cards = stage.cards()
    for event in stage.queue.waiting:
        if event.kind == "job.refresh" and "approval_id" in event.body:
            await cards.show_approval(str(event.body["approval_id"]))


async def home(stage: Stage, person: str = ALICE) -> dict[str, Any]:
    await stage.act("home_open", **{"as": person}, app_id="A0WATCH", tab="home")

    async def homes() -> list[dict[str, Any]]:
        return list((await stage.http.get("/control/view", params={"as": person})).json()["homes"].values())

    await wait_until(homes)
    return (await homes())[0]


async def test_a_permitted_person_freezes_and_every_card_app_home_and_channel_say_so(stage: Stage) -> None:
    request = await stage.a_card()
    assert BANNER in await ops(stage, "freeze on moving the *database*")
    assert await stage.freeze.frozen()
    await draw(stage)
    root = next(each for each in await stage.history() if each["ts"] == request.thread_ts)
    said = [words(await stage.shown(request)), words(root), words(await home(stage))]
    said += [words(await stage.history(channel=channel)) for channel in (INCIDENTS, OPS)]
    for text in said:
        assert BANNER in text
        assert f"<@{ALICE}> froze everything" in text
        assert "moving the" in text
    assert "Not frozen" in await ops(stage, "freeze off")
    await draw(stage)
    assert BANNER not in words(await stage.shown(request))
    assert "Thawed" in words(await stage.history(channel=INCIDENTS))
    assert [kind for kind in stage.audit.kinds if kind in ("Frozen", "Thawed")] == ["Frozen", "Thawed"]


async def test_whoever_may_not_is_told_who_may(stage: Stage) -> None:
    assert "Only members of sre may freeze" in await ops(stage, "freeze on", person=BOB)
    assert not await stage.freeze.frozen()
    assert "FreezeRefused" in stage.audit.kinds


async def test_an_approval_while_everything_is_frozen_is_not_counted_and_is_written_down(stage: Stage) -> None:
    request = await stage.a_card()
    await stage.freeze.turn_on(ALICE, "moving")
    await stage.click(request, ALICE, identifiers.APPROVE)
    row = stage.approvals.rows[request.id]
    assert (row.status, row.votes) == (ApprovalStatus.PENDING, ())
    assert "everything was frozen" in (await stage.whispers(ALICE, thread_ts=request.thread_ts))[0]
    assert stage.audit.events[-1].details["why"] == "FrozenError"
    await stage.freeze.turn_off(ALICE)
    await stage.click(request, ALICE, identifiers.APPROVE)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED


async def test_freeze_without_a_word_only_tells(stage: Stage) -> None:
    assert "Not frozen" in await ops(stage, "freeze")
    assert "Freeze on, or off?" in await ops(stage, "freeze please")
    assert not await stage.freeze.frozen()


async def test_a_file_that_appears_or_goes_is_told_once_by_however_many_workers(stage: Stage) -> None:
    there = [False]
    cards = OpenCards(stage.approvals, stage.incidents, stage.queue, stage.clock)
    request = await stage.a_card()
    for wanted in (False, True, True, False, False):
        there[0] = wanted
        stage.clock.advance(seconds=4)
        for _ in range(2):
            await FreezeNews(lambda: there[0], cards, stage.audit, stage.clock).tick()
    assert [kind for kind in stage.audit.kinds if "FreezeFile" in kind] == ["FreezeFileAppeared", "FreezeFileWent"]
    drawn = [event for event in stage.queue.waiting if event.body.get("approval_id") == request.id]
    assert len(drawn) == 2


async def test_a_channel_that_takes_no_messages_stops_no_freeze(stage: Stage) -> None:
    fault = {"name": "chat.postMessage", "error": "restricted_action", "times": 4}
    await asyncio.gather(stage.http.post("/control/faults", json={"method": fault}))
    assert BANNER in await ops(stage, "freeze on")
    assert await stage.freeze.frozen()
