"""Two workers show the same card at the same moment: it is posted once, and reads as the row does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from bot.cards import SlackCards
from bot.cards.slack_cards import alone
from bot.identifiers import APPROVAL_CARD
from core.approval import ApprovalStatus
from tests.bot.stage import INCIDENTS, Stage, open_stage
from tests.fakes.examples import a_request, an_alert

Lease = Callable[[str], AbstractAsyncContextManager[object]]
MEETS_WITHIN = 0.4  # seconds that one waits where only another that is not kept apart could meet it


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


class Meeting:
    """Holds whoever arrives until two are there, or nobody else comes."""

    def __init__(self) -> None:
        self._arrived = 0
        self._both = asyncio.Event()

    async def wait(self) -> None:
        self._arrived += 1
        if self._arrived == 2:
            self._both.set()
        try:
            async with asyncio.timeout(MEETS_WITHIN):
                await self._both.wait()
        except TimeoutError:
            pass


def workers(stage: Stage, leases: tuple[Lease, Lease]) -> list[SlackCards]:
    return [stage.cards(lease=lease) for lease in leases]


async def posted_twice(stage: Stage, leases: tuple[Lease, Lease], monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many cards stand after two workers have both looked for one before either posts."""
    root = await stage.client.chat_postMessage(channel=INCIDENTS, text="root")
    where = {"channel": INCIDENTS, "thread_ts": root["ts"], "created_at": stage.clock.now(), "incident_id": None}
    row = await stage.approvals.create(a_request(**where))
    meeting, post = Meeting(), stage.client.chat_postMessage

    async def after_both_looked(**what: Any) -> Any:
        await meeting.wait()
        return await post(**what)

    monkeypatch.setattr(stage.client, "chat_postMessage", after_both_looked)
    await asyncio.gather(*(cards.show_approval(row.id) for cards in workers(stage, leases)))
    return len((await stage.history(thread_ts=row.thread_ts))[1:])


async def shown_at_last(stage: Stage, leases: tuple[Lease, Lease], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the status that a card tells after a worker that read the row early edits late."""
    row = await stage.a_card()
    early, late = workers(stage, leases)
    read, update = asyncio.Event(), stage.client.chat_update
    held = Meeting()

    async def slowly(**what: Any) -> Any:
        if not read.is_set():
            read.set()
            await held.wait()
        return await update(**what)

    monkeypatch.setattr(stage.client, "chat_update", slowly)
    # Something to edit: the early one shows a row of which the late one knows more.
    stage.approvals.rows[row.id] = row.model_copy(update={"status": ApprovalStatus.APPROVED})
    showing = asyncio.create_task(early.show_approval(row.id))
    await read.wait()
    stage.approvals.rows[row.id] = row.model_copy(update={"status": ApprovalStatus.EXECUTED})
    shown = asyncio.create_task(late.show_approval(row.id))
    await asyncio.gather(showing, shown)
    facts = [each["metadata"] for each in await stage.history(thread_ts=row.thread_ts) if each.get("metadata")]
    return next(each["event_payload"]["status"] for each in facts if each["event_type"] == APPROVAL_CARD)


def apart(redis: Redis) -> tuple[Lease, Lease]:
    return RedisLease(redis), RedisLease(redis)


async def test_one_card_stands(stage: Stage, valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await posted_twice(stage, apart(valkey), monkeypatch) == 1


async def test_twin_without_the_lease_two_stand(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await posted_twice(stage, (alone, alone), monkeypatch) == 2


async def test_an_edit_that_waits_does_not_come_last(
    stage: Stage, valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await shown_at_last(stage, apart(valkey), monkeypatch) == "executed"


async def test_twin_without_the_lease_the_card_tells_what_was(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await shown_at_last(stage, (alone, alone), monkeypatch) == "approved"


async def test_a_sentence_is_said_while_redis_is_away(stage: Stage) -> None:
    away = RedisLease(connect("redis://127.0.0.1:1"))
    incident, _ = await stage.incidents.join(an_alert(), stage.clock.now())
    place = await stage.cards().show_incident(incident.id)
    await stage.cards(lease=away).say(place, "Redis does not answer.", key="away")
    assert any("Redis does not answer" in each["text"] for each in await stage.history(thread_ts=place.thread_ts))
