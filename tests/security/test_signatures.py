"""Slack's HTTP mode: only what Slack signed within the last five minutes is taken; anything else is 401, never 500."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake import build_intake
from bot.slack_link import SlackLink
from bot.web.site import build_site
from bot.web.slack_events import slack_routes
from core.ports import Queue
from tests.fakes.clock import FakeClock
from tests.fakes.queue import InMemoryQueue
from tests.fakes.queue_faults import UnreachableQueue

SECRET = "signing-5f2a"
EVENT = json.dumps(
    {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "channel": "C1", "ts": "1.0"}}
).encode()
NOW = str(int(time.time()))


def sign(body: bytes, at: str = NOW, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}", "Content-Type": "application/json"}


def client_of(queue: Queue, *, known: bool = True) -> httpx.AsyncClient:
    web = AsyncWebClient(token="xoxb-1", base_url="http://127.0.0.1:1/")
    identity = AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="U1", bot_id="B1")
    link = SlackLink(web, lambda who: build_intake(queue, FakeClock(), who, web, SECRET), "")
    link.app = build_intake(queue, FakeClock(), identity, web, SECRET) if known else None
    transport = httpx.ASGITransport(app=build_site(slack_routes(link)), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://bot")


@pytest.fixture
def queue() -> InMemoryQueue:
    return InMemoryQueue()


@pytest.fixture
async def client(queue: InMemoryQueue) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(queue) as client:
        yield client


async def test_what_slack_signed_is_queued_and_acknowledged_empty(
    client: httpx.AsyncClient, queue: InMemoryQueue
) -> None:
    answer = await client.post("/slack/events", content=EVENT, headers=sign(EVENT))
    assert (answer.status_code, answer.text) == (200, "")
    assert [event.id for event in queue.waiting] == ["Ev1"]


async def test_a_replay_is_answered_200_and_changes_nothing(client: httpx.AsyncClient, queue: InMemoryQueue) -> None:
    for _ in range(3):
        assert (await client.post("/slack/events", content=EVENT, headers=sign(EVENT))).status_code == 200
    assert len(queue.waiting) == 1


STALE, EARLY = str(int(time.time()) - 400), str(int(time.time()) + 86_400)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Request-Timestamp": NOW},
        sign(EVENT) | {"X-Slack-Signature": ""},
        sign(EVENT, secret="another"),
        sign(EVENT + b" "),
        sign(EVENT, STALE),
        sign(EVENT, EARLY),
        sign(EVENT, "abc"),
        sign(EVENT, "-1"),
        sign(EVENT, "1e30"),
        sign(EVENT, "9" * 40),
        sign(EVENT) | {"X-Slack-Request-Timestamp": str(int(NOW) - 1)},
    ],
)
async def test_what_slack_did_not_sign_is_refused(
    client: httpx.AsyncClient, queue: InMemoryQueue, headers: dict[str, str]
) -> None:
    assert (await client.post("/slack/events", content=EVENT, headers=headers)).status_code == 401
    assert queue.waiting == []


@settings(max_examples=100, deadline=None, database=None)
@given(stamp=st.binary(max_size=24), signature=st.binary(max_size=80), body=st.binary(max_size=40))
async def test_no_header_and_no_body_is_answered_500(stamp: bytes, signature: bytes, body: bytes) -> None:
    headers = {b"X-Slack-Request-Timestamp": stamp, b"X-Slack-Signature": signature}
    async with client_of(InMemoryQueue()) as client:
        answer = await client.post("/slack/events", content=body, headers=list(headers.items()))
    assert answer.status_code == 401


async def test_without_the_queue_the_answer_is_503(queue: InMemoryQueue) -> None:
    async with client_of(UnreachableQueue()) as client:
        assert (await client.post("/slack/events", content=EVENT, headers=sign(EVENT))).status_code == 503


async def test_before_we_know_who_we_are_the_answer_is_503(queue: InMemoryQueue) -> None:
    async with client_of(queue, known=False) as client:
        assert (await client.post("/slack/events", content=EVENT, headers=sign(EVENT))).status_code == 503


async def test_the_address_check_of_slack_is_answered(client: httpx.AsyncClient) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c0ffee"}).encode()
    answer = await client.post("/slack/events", content=body, headers=sign(body))
    assert (answer.status_code, answer.json()["challenge"]) == (200, "c0ffee")


async def test_a_form_with_a_command_is_queued_with_its_fields(client: httpx.AsyncClient, queue: InMemoryQueue) -> None:
    body = b"command=%2Fops&text=help&user_id=U0ALICE&trigger_id=1.2&team_id=T1"
    headers = sign(body) | {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post("/slack/events", content=body, headers=headers)).status_code == 200
    assert (queue.waiting[0].kind, queue.waiting[0].body["text"]) == ("slack.slash_commands", "help")


async def test_an_oversized_body_is_refused_before_its_signature_is_looked_at(client: httpx.AsyncClient) -> None:
    assert (await client.post("/slack/events", content=b"x" * 2_000_000, headers=sign(EVENT))).status_code == 413


async def test_the_verifier_alone_would_have_failed_on_an_odd_timestamp() -> None:
    async with client_of(InMemoryQueue()) as client:
        link_app = build_intake(
            InMemoryQueue(), FakeClock(), AuthorizeResult(enterprise_id=None, team_id="T1"), AsyncWebClient(), SECRET
        )
        request = client.build_request("POST", "/slack/events", content=EVENT, headers=sign(EVENT, "abc"))
        bare = AsyncBoltRequest(body=EVENT.decode(), headers=dict(request.headers))
        assert (await link_app.async_dispatch(bare)).status == 500
        assert (await client.send(request)).status_code == 401


async def test_a_verifier_that_believes_everybody_would_be_caught(
    client: httpx.AsyncClient, queue: InMemoryQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SignatureVerifier, "is_valid", lambda *_: True)
    forged = sign(EVENT, secret="another")
    assert (await client.post("/slack/events", content=EVENT, headers=forged)).status_code == 200
    assert len(queue.waiting) == 1
