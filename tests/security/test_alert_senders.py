"""Who may post alerts, and that nothing they post can break the endpoint."""

import asyncio
import base64
import json

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.ingress import alertmanager
from bot.web import webhooks
from bot.web.credentials import AlertCredentials
from bot.web.site import build_site
from bot.web.webhooks import Webhooks
from tests.fakes.clock import FakeClock
from tests.fakes.queue import InMemoryQueue

BODY = b'{"name":"x"}'
TOKEN = "a-good-token"


def client_of(credentials: AlertCredentials, queue: InMemoryQueue) -> httpx.AsyncClient:
    site = build_site(Webhooks(queue, FakeClock(), credentials).routes())
    transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://bot")


def basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        TOKEN,
        f"Token {TOKEN}",
        "Bearer \xe9\xfc",
        "Basic !!!",
        "Basic /////w==",
        basic("monitor"),
        basic("monitor:wrong"),
        basic(f":{TOKEN}"),
    ],
)
async def test_a_wrong_credential_is_answered_401_and_queues_nothing(header: str | None) -> None:
    queue = InMemoryQueue()
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    async with client_of(AlertCredentials(TOKEN, "monitor:password"), queue) as client:
        answer = await client.post("/webhooks/generic", content=BODY, headers=headers)
    assert answer.status_code == 401
    assert queue.waiting == []


@pytest.mark.parametrize("header", ["Bearer ", "Bearer", "Basic ", basic(""), basic(":"), ""])
async def test_without_a_configured_credential_nobody_gets_in(header: str) -> None:
    queue = InMemoryQueue()
    async with client_of(AlertCredentials(), queue) as client:
        answer = await client.post("/webhooks/generic", content=BODY, headers={"Authorization": header})
    assert answer.status_code == 401
    assert queue.waiting == []


async def test_a_door_without_a_lock_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AlertCredentials, "accept", lambda *_: True)
    for header in (None, "Bearer wrong", basic("monitor:wrong")):
        with pytest.raises(AssertionError):
            await test_a_wrong_credential_is_answered_401_and_queues_nothing(header)
    with pytest.raises(AssertionError):
        await test_without_a_configured_credential_nobody_gets_in("")


async def test_the_right_credential_does_get_in() -> None:
    queue = InMemoryQueue()
    async with client_of(AlertCredentials(TOKEN), queue) as client:
        answer = await client.post("/webhooks/generic", content=BODY, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert len(queue.waiting) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=4,
)
_TIMES = st.sampled_from(["2026-11-22T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "", "x"])
_ALERT = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["firing", "resolved", "FIRING"]) | _JSON,
        "labels": st.dictionaries(st.sampled_from(["alertname", "service", "env", "severity"]), _JSON) | _JSON,
        "annotations": st.dictionaries(st.sampled_from(["summary", "description"]), _JSON) | _JSON,
        "startsAt": _TIMES | _JSON,
        "endsAt": _TIMES | _JSON,
        "generatorURL": st.sampled_from(["http://p/g?g0.expr=up", "http://[", "//", "?" + "a&" * 60]) | _JSON,
        "fingerprint": _JSON,
        "name": st.text(max_size=20) | _JSON,
        "valueString": _JSON,
    },
)
_BODIES = (
    st.fixed_dictionaries({"alerts": st.lists(_ALERT | _JSON, max_size=4) | _JSON})
    | st.lists(_ALERT, max_size=3)
    | _JSON
).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")) | st.binary(max_size=60)


def fuzz(count: int) -> None:
    """Post `count` odd bodies to each endpoint; AssertionError for the first that is not answered 2xx or 4xx."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with asyncio.Runner() as runner:
        client = client_of(AlertCredentials(TOKEN), InMemoryQueue())

        async def post(body: bytes) -> None:
            for sender in webhooks.PARSERS:
                answer = await client.post(f"/webhooks/{sender}", content=body, headers=headers)
                assert answer.status_code < 500

        @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate])
        @given(body=_BODIES)
        def attack(body: bytes) -> None:
            runner.run(post(body))

        attack()
        runner.run(client.aclose())


def test_odd_bodies_are_never_answered_5xx() -> None:
    fuzz(200)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_thousand_odd_bodies_are_never_answered_5xx() -> None:
    fuzz(34_000)


def test_a_parser_that_trusts_its_input_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(body, now):
        return [
            alert.model_copy(update={"name": body["alerts"][0]["labels"]["alertname"]}) for alert in parse(body, now)
        ]

    parse = alertmanager.parse
    monkeypatch.setitem(webhooks.PARSERS, "alertmanager", trusting)
    with pytest.raises(AssertionError):
        fuzz(700)
