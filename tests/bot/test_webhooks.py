"""Alert webhooks: 200 only for what is in the queue, 4xx for what cannot be, 503 for what the sender should repeat."""

import base64
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.web import webhooks
from bot.web.body import MAX_BODY
from bot.web.credentials import AlertCredentials
from bot.web.health import health_routes
from bot.web.site import build_site
from bot.web.webhooks import Webhooks
from core.alert import Alert
from core.grouping import LATE_COPY_WINDOW
from core.ports import Inbox
from tests.fakes.clock import FakeClock
from tests.fakes.examples import an_alert
from tests.fakes.queue import InMemoryQueue
from tests.fakes.queue_faults import SilentQueue, UnreachableQueue

FIRING = (Path(__file__).parents[1] / "payloads" / "alertmanager-firing.json").read_bytes()
MIXED = (Path(__file__).parents[1] / "payloads" / "alertmanager-group-mixed.json").read_bytes()
DEEP = b'{"alerts":' + b"[" * 100 + b"]" * 100 + b"}"
WIDE = json.dumps({"alerts": [{"status": "firing", "labels": {f"l{n}": "v" for n in range(1001)}}]}).encode()
LONG = b'{"alerts":[{"status":"firing","startsAt":' + b"9" * 5_000 + b"}]}"
KEY = {"Authorization": "Bearer a-good-token"}


def client_of(queue: Inbox) -> httpx.AsyncClient:
    hooks = Webhooks(queue, FakeClock(), AlertCredentials("a-good-token", "monitor:pass word"))
    transport = httpx.ASGITransport(app=build_site(hooks.routes()))
    return httpx.AsyncClient(transport=transport, base_url="http://bot")


@pytest.fixture
def queue() -> InMemoryQueue:
    return InMemoryQueue()


@pytest.fixture
async def client(queue: InMemoryQueue) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(queue) as client:
        yield client


async def test_every_alert_of_a_body_is_queued_under_its_incident(
    client: httpx.AsyncClient, queue: InMemoryQueue
) -> None:
    answer = await client.post("/webhooks/alertmanager", content=MIXED, headers=KEY)
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "accepted": 2, "repeated": 0})
    assert [(event.kind, event.key) for event in queue.waiting] == [
        ("alert", "alert:prod/svc0"),
        ("alert", "alert:prod/svc1"),
    ]
    assert Alert.model_validate(queue.waiting[0].body).name == "HighErrorRate"


async def test_a_repeated_body_is_accepted_and_queued_once(client: httpx.AsyncClient, queue: InMemoryQueue) -> None:
    await client.post("/webhooks/alertmanager", content=FIRING, headers=KEY)
    answer = await client.post("/webhooks/alertmanager", content=FIRING, headers=KEY)
    assert answer.json() == {"ok": True, "accepted": 0, "repeated": 1}
    resolved = FIRING.replace(b'"status":"firing"', b'"status":"resolved"')
    await client.post("/webhooks/alertmanager", content=resolved, headers=KEY)
    assert len(queue.waiting) == 2


def test_an_alert_that_fires_anew_with_its_old_start_is_news_once_it_is_no_late_copy() -> None:
    clock, alert = FakeClock(), an_alert()
    first = webhooks.alert_event(alert, clock)
    assert webhooks.alert_event(alert, clock).id == first.id
    clock.advance(LATE_COPY_WINDOW)
    assert webhooks.alert_event(alert, clock).id != first.id


async def test_a_user_and_a_password_do_as_well(client: httpx.AsyncClient) -> None:
    basic = base64.b64encode(b"monitor:pass word").decode()
    headers = {"Authorization": f"Basic {basic}"}
    assert (await client.post("/webhooks/generic", content=b'{"name":"x"}', headers=headers)).status_code == 200


async def test_an_unknown_sender_is_told_the_known_ones(client: httpx.AsyncClient) -> None:
    answer = await client.post("/webhooks/nagios", content=FIRING, headers=KEY)
    assert answer.status_code == 404
    assert all(sender in answer.json()["error"] for sender in ("alertmanager", "grafana", "generic"))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"null", b'{"alerts":[{}]}', b"\xff\xfe", b"[" * 200_000, DEEP, WIDE, LONG]
)
async def test_what_cannot_be_read_is_answered_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/webhooks/alertmanager", content=body, headers=KEY)
    assert answer.status_code == 400
    assert " " in answer.json()["error"]


async def test_too_much_is_answered_413_however_it_is_announced(client: httpx.AsyncClient) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 65_536 + 1):
            yield b" " * 65_536

    assert (await client.post("/webhooks/generic", content=b" " * (MAX_BODY + 1), headers=KEY)).status_code == 413
    assert (await client.post("/webhooks/generic", content=drip(), headers=KEY)).status_code == 413


async def test_a_compressed_body_is_not_unpacked(client: httpx.AsyncClient) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = KEY | {"Content-Encoding": "gzip"}
    assert (await client.post("/webhooks/generic", content=bomb, headers=headers)).status_code == 415


async def test_alerts_that_cannot_be_queued_are_answered_503() -> None:
    async with client_of(UnreachableQueue()) as client:
        answer = await client.post("/webhooks/alertmanager", content=FIRING, headers=KEY)
    assert answer.status_code == 503


async def test_a_queue_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_PATIENCE", 0.05)
    async with client_of(SilentQueue()) as client:
        answer = await client.post("/webhooks/alertmanager", content=FIRING, headers=KEY)
    assert answer.status_code == 503


async def test_ready_needs_every_check_and_healthy_none() -> None:
    checks = {"slack": True, "queue": True, "worker": False}

    async def readiness() -> dict[str, bool]:
        return checks

    transport = httpx.ASGITransport(app=build_site(health_routes(readiness)))
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        checks["worker"] = True
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (200, checks)


async def test_a_fault_of_ours_shows_nothing_of_the_inside() -> None:
    async def readiness() -> dict[str, bool]:
        raise RuntimeError("the password is tomato")

    transport = httpx.ASGITransport(app=build_site(health_routes(readiness)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 500
    assert json.loads(answer.text) == {"ok": False, "error": "internal error"}


async def test_of_too_many_alerts_those_that_fire_are_taken_and_people_hear_of_the_rest(
    client: httpx.AsyncClient, queue: InMemoryQueue
) -> None:
    rows = [{"status": "resolved" if n < 100 else "firing", "labels": {"alertname": f"a{n}"}} for n in range(2_040)]
    answer = await client.post("/webhooks/alertmanager", content=json.dumps({"alerts": rows}), headers=KEY)
    assert answer.status_code == 200
    ours, *taken = [Alert.model_validate(event.body) for event in queue.waiting]
    assert (ours.source, "cut off 40 alerts" in ours.summary) == ("watchkeeper", True)
    assert len(taken) == 2_000
    assert sum(alert.status.value == "firing" for alert in taken) == 1_940


async def test_people_hear_of_a_body_that_is_too_large(client: httpx.AsyncClient, queue: InMemoryQueue) -> None:
    answer = await client.post("/webhooks/alertmanager", content=b" " * (MAX_BODY + 1), headers=KEY)
    assert answer.status_code == 413
    (event,) = queue.waiting
    assert "too large" in Alert.model_validate(event.body).summary


async def test_nobody_without_a_token_makes_people_hear_anything(
    client: httpx.AsyncClient, queue: InMemoryQueue
) -> None:
    answer = await client.post("/webhooks/alertmanager", content=b" " * (MAX_BODY + 1))
    assert (answer.status_code, queue.waiting) == (401, [])
