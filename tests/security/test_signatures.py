"""Slack's HTTP mode: only what Slack signed within the last five minutes is taken; anything else is 401, never 500."""

import asyncio
import hmac
import json

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.ingress.verifier import SlackVerifier
from tests.fakes.clock import START, FakeClock
from tests.fakes.queue import InMemoryQueue
from tests.fakes.queue_faults import UnreachableQueue
from tests.security.slack_door import NOW, SECRET, an_event_body, client_of, send, signed, site_of

EVENT = an_event_body()


@pytest.fixture
def queue() -> InMemoryQueue:
    return InMemoryQueue()


def seconds(later: int) -> str:
    return str(int(START.timestamp()) + later)


@pytest.mark.parametrize("at", [NOW, seconds(-300), seconds(300)])
async def test_what_slack_signed_is_queued_and_acknowledged_empty(queue: InMemoryQueue, at: str) -> None:
    async with client_of(site_of(queue)) as client:
        answer = await client.post("/slack/events", content=EVENT, headers=signed(EVENT, at))
    assert (answer.status_code, answer.text) == (200, "")
    assert [event.id for event in queue.waiting] == ["Ev1"]


def odd(*pairs: tuple[str, bytes]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value) for name, value in pairs]


STAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
GOOD = signed(EVENT)[SIGNATURE].encode()
UNSIGNED = [
    odd(),
    odd((STAMP, NOW.encode())),
    odd((SIGNATURE, GOOD)),
    odd((STAMP, NOW.encode()), (SIGNATURE, b"")),
    odd((STAMP, NOW.encode()), (SIGNATURE, GOOD[:-1])),
    odd((STAMP, NOW.encode()), (SIGNATURE, GOOD + b"0")),
    odd((STAMP, NOW.encode()), (SIGNATURE, GOOD.upper())),
    odd((STAMP, NOW.encode()), (SIGNATURE, GOOD[3:])),
    odd((STAMP, NOW.encode()), (SIGNATURE, "v0=é€".encode())),
    odd((STAMP, NOW.encode()), (SIGNATURE, b"v0=\xff\xfe")),
    odd((STAMP, NOW.encode()), (SIGNATURE, GOOD), (SIGNATURE, GOOD)),
    odd((STAMP, NOW.encode()), (SIGNATURE, b"v0=0"), (SIGNATURE, GOOD)),
    odd((STAMP, NOW.encode()), (STAMP, NOW.encode()), (SIGNATURE, GOOD)),
    odd((STAMP, "²".encode("latin-1")), (SIGNATURE, GOOD)),
    *(
        list(odd(*((name, value.encode()) for name, value in headers.items())))
        for headers in (
            signed(EVENT, secret="another"),
            signed(EVENT, secret=""),
            signed(EVENT + b" "),
            signed(EVENT) | {STAMP: seconds(-1)},
            *(signed(EVENT, at) for at in (seconds(-301), seconds(301), "abc", "-1", "+1", "1e30", "9" * 40, "", " ")),
            *(signed(EVENT, at) for at in (f"{NOW}.0", f"0x{int(NOW):x}", f"{NOW[:3]}_{NOW[3:]}", "nan", "inf")),
        )
    ),
]


@pytest.mark.parametrize("headers", UNSIGNED)
async def test_what_slack_did_not_sign_is_refused(queue: InMemoryQueue, headers: list[tuple[bytes, bytes]]) -> None:
    assert await send(site_of(queue), EVENT, headers) == 401
    assert queue.waiting == []


async def test_without_a_secret_nobody_is_slack() -> None:
    stamp, signature = signed(EVENT, secret="")[STAMP], signed(EVENT, secret="")[SIGNATURE]
    assert not SlackVerifier("", FakeClock()).genuine([stamp], [signature], EVENT)


_STAMPS = st.binary(max_size=24) | st.sampled_from(
    [NOW.encode(), b"abc", b"-1", b"1e30", b"9" * 400, b" " + NOW.encode()]
)
_SIGNATURES = st.binary(max_size=80) | st.sampled_from([GOOD, b"v0=" + b"0" * 64, b"v1=" + GOOD[3:], b"v0="])
_BODIES = st.binary(max_size=40) | st.sampled_from(
    [EVENT[:-1], b"{", b"payload={", b"[" * 10_000, b"ssl_check=1&token=x"]
)


def fuzz(count: int) -> None:
    """Post so many requests that Slack has not signed; AssertionError for the first that is not answered 401."""
    with asyncio.Runner() as runner:
        queue = InMemoryQueue()
        client = client_of(site_of(queue))

        async def post(stamps: list[bytes], signatures: list[bytes], body: bytes) -> None:
            headers = [(STAMP.encode(), each) for each in stamps] + [(SIGNATURE.encode(), each) for each in signatures]
            answer = await client.post("/slack/events", content=body, headers=headers)
            assert answer.status_code == 401, (headers, body)

        @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate])
        @given(st.lists(_STAMPS, max_size=2), st.lists(_SIGNATURES, max_size=2), _BODIES)
        def attack(stamps: list[bytes], signatures: list[bytes], body: bytes) -> None:
            runner.run(post(stamps, signatures, body))

        attack()
        runner.run(client.aclose())
        assert queue.waiting == []


def test_five_hundred_odd_requests_are_all_answered_401() -> None:
    fuzz(500)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_odd_requests_are_all_answered_401() -> None:
    fuzz(10_000)


def test_a_verifier_that_believes_everybody_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SlackVerifier, "genuine", lambda *_: True)
    with pytest.raises((AssertionError, IndexError)):
        fuzz(100)


def test_a_verifier_that_compares_texts_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def textual(self: SlackVerifier, stamps: list[str], signatures: list[str], body: bytes) -> bool:
        return hmac.compare_digest("v0=00", (signatures or [""])[0])

    monkeypatch.setattr(SlackVerifier, "genuine", textual)
    with pytest.raises(AssertionError):
        fuzz(100)


async def test_the_verifier_of_bolt_would_have_failed_on_an_odd_timestamp() -> None:
    bolt = AsyncApp(token="xoxb-1", signing_secret=SECRET)
    request = AsyncBoltRequest(body=EVENT.decode(), headers=dict(signed(EVENT, "abc")))
    assert (await bolt.async_dispatch(request)).status == 500
    assert await send(site_of(InMemoryQueue()), EVENT, signed(EVENT, "abc")) == 401


async def test_without_the_queue_the_answer_is_503() -> None:
    assert await send(site_of(UnreachableQueue()), EVENT, signed(EVENT)) == 503


async def test_before_we_know_who_we_are_the_answer_is_503(queue: InMemoryQueue) -> None:
    assert await send(site_of(queue, known=False), EVENT, signed(EVENT)) == 503


async def test_the_address_check_of_slack_is_answered(queue: InMemoryQueue) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c0ffee"}).encode()
    async with client_of(site_of(queue)) as client:
        answer = await client.post("/slack/events", content=body, headers=signed(body))
    assert (answer.status_code, answer.json()["challenge"]) == (200, "c0ffee")


async def test_a_form_with_a_command_is_queued_with_its_fields(queue: InMemoryQueue) -> None:
    body = b"command=%2Fops&text=help&user_id=U0ALICE&trigger_id=1.2&team_id=T1"
    assert await send(site_of(queue), body, signed(body)) == 200
    assert (queue.waiting[0].kind, queue.waiting[0].body["text"]) == ("slack.slash_commands", "help")


async def test_an_oversized_body_is_refused_before_its_signature_is_looked_at(queue: InMemoryQueue) -> None:
    assert await send(site_of(queue), b"x" * 2_000_000, signed(EVENT)) == 413


SHAPES = [
    b"\xff\xfe",
    b"{",
    b"{}x",
    b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    b'{"a":' + b"[" * 300 + b"]" * 300 + b"}",
    b"payload=" + b"[" * 10_000,
    b"payload=5",
    b"payload=[]",
    b'payload={"authorizations":[5]}',
    b"&".join(b"field=1" for _ in range(20_000)),
    b'{"event":5}',
    b'{"event":"x"}',
    b'{"n":' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", SHAPES)
async def test_what_cannot_be_read_is_not_taken_even_if_slack_signed_it(queue: InMemoryQueue, body: bytes) -> None:
    assert 400 <= await send(site_of(queue), body, signed(body)) < 500
    assert queue.waiting == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
_PAYLOADS = st.dictionaries(
    st.sampled_from(["event", "event_id", "type", "command", "user", "team", "enterprise", "authorizations", "actions",
                     "view", "channel", "message", "challenge", "ssl_check", "bot_id", "function_data", "trigger_id"]),
    _JSON | st.dictionaries(st.sampled_from(["id", "type", "channel", "ts", "item", "message", "bot_id"]), _JSON),
    max_size=5,
)  # fmt: skip


def test_whatever_slack_signs_is_answered_and_never_500() -> None:
    with asyncio.Runner() as runner:
        client = client_of(site_of(InMemoryQueue()))

        @settings(max_examples=200, deadline=None, database=None, phases=[Phase.generate])
        @given(_PAYLOADS)
        def attack(payload: dict[str, object]) -> None:
            body = json.dumps(payload).encode()
            answer = runner.run(client.post("/slack/events", content=body, headers=signed(body)))
            assert answer.status_code in {200, 400}, body

        attack()
        runner.run(client.aclose())
