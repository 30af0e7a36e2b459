"""A form is answered by the worker while Slack waits for the web side: in time, or told apart."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot import identifiers, intake
from bot.adapters.redis.answers import RedisAnswers
from bot.intake import build_intake
from tests.fakes.clock import FakeClock
from tests.fakes.queue import InMemoryQueue
from tests.fakes.servers import *
from tests.fakes.waiting import wait_until

IDENTITY = AuthorizeResult(enterprise_id=None, team_id="T0", bot_user_id="U0BOT", bot_id="B0", bot_token="xoxb-none")
ERRORS = '{"response_action": "errors", "errors": {"argument.workers": "at most 16"}}'


def a_form(callback_id: str = identifiers.EDIT_VIEW) -> dict[str, Any]:
    view = {"id": f"V{callback_id}", "type": "modal", "callback_id": callback_id, "hash": "1.x"}
    return {"type": "view_submission", "user": {"id": "U0ALICE"}, "trigger_id": "t1", "view": view}


@pytest.fixture
async def answers(redis_url: str) -> AsyncIterator[RedisAnswers]:
    async with Redis.from_url(redis_url) as redis:
        yield RedisAnswers(redis)


async def sent(answers: RedisAnswers | None, payload: dict[str, Any], answer: str | None) -> tuple[int, str, bool]:
    """Send a payload to the web side, let a worker answer it; returns status, body, and whether it was on time."""
    queue = InMemoryQueue()
    client = AsyncWebClient(token="xoxb-none")
    app = build_intake(queue, FakeClock(), IDENTITY, client, answers)

    async def work() -> bool:
        await wait_until(lambda: queue.waiting)
        return answers is not None and answer is not None and await answers.give(queue.waiting[0].id, answer)

    working = asyncio.create_task(work())
    got = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))
    return got.status, got.body, await working


async def test_what_is_wrong_in_a_form_reaches_slack(answers: RedisAnswers) -> None:
    assert await sent(answers, a_form(), ERRORS) == (200, ERRORS, True)
    assert await sent(answers, a_form(identifiers.CONFIRM_VIEW), "") == (200, "", True)


async def test_nothing_else_waits_for_an_answer(answers: RedisAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> str:
        raise AssertionError("nobody is to be waited for")

    monkeypatch.setattr(RedisAnswers, "wait", never)
    click = {"type": "block_actions", "user": {"id": "U0ALICE"}, "actions": [{"action_id": "x", "action_ts": "1"}]}
    for payload in (click, a_form(identifiers.REJECT_VIEW), {"type": "view_submission", "view": None}):
        assert (await sent(answers, payload, None))[:2] == (200, "")


async def test_a_worker_that_is_late_learns_that_it_is(answers: RedisAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_ANSWERED", 0.05)
    payload = a_form()
    assert (await sent(answers, payload, None))[:2] == (200, "")
    event = intake.event_of(payload, FakeClock())
    assert not await answers.give(event.id, ERRORS)


async def test_the_same_answer_again_is_on_time_if_the_first_was(answers: RedisAnswers) -> None:
    assert await answers.give("e1", ERRORS)
    assert await answers.give("e1", ERRORS)
    assert not await answers.give("e1", "")
    assert await answers.wait("e1", 1) == ERRORS


async def test_of_an_answer_and_the_end_of_patience_exactly_one_wins(answers: RedisAnswers) -> None:
    outcomes: set[bool] = set()
    for number in range(60):
        name = f"race{number}"
        given, got = await asyncio.gather(_late(answers, name, number), answers.wait(name, 0.004))
        assert given == (got == ERRORS)
        outcomes.add(given)
    assert outcomes == {True, False}, "a race with one runner proves nothing"


async def _late(answers: RedisAnswers, name: str, number: int) -> bool:
    await asyncio.sleep(0.0 if number % 3 else 0.03)
    return await answers.give(name, ERRORS)


async def test_no_answer_stays_for_ever(answers: RedisAnswers) -> None:
    await answers.give("e2", ERRORS)
    keys = [key async for key in answers.redis.scan_iter("watchkeeper:answer:*")]
    assert keys
    assert all([0 < await answers.redis.pttl(key) <= 300_000 for key in keys])
