"""The API's doors: only what a known client signed within five minutes, for the first time, gets in; all else is a
problem with a sentence, and never a 500."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.api_clients import PublicKey, SharedSecret
from bot.api_models import ApiAnswer, RequestAnswer
from bot.ingress.message_signatures import signature_base
from bot.web.pace import Pace
from core.tool_call import ToolCall
from tests.fakes.api_caller import Caller, write_clients
from tests.fakes.api_memory import InMemoryApiMemory
from tests.fakes.clock import FakeClock
from tests.fakes.examples import a_plan, a_request
from tests.fakes.queue_faults import UnreachableQueue
from tests.security.api_attacks import ATTACKS, BODY, CONTENT, OTHER, PATH, send
from tests.security.api_door import AUTHORITY, Doors
from tests.security.nasty_arguments import nasty_arguments

DEEP = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.fixture
def doors(tmp_path: Path) -> Doors:
    return Doors(tmp_path, FakeClock(datetime.now(UTC)), Caller("chatops", AUTHORITY))


@pytest.fixture
async def http(doors: Doors) -> AsyncIterator[httpx.AsyncClient]:
    async with doors.open() as client:
        yield client


def is_a_problem(answer: httpx.Response) -> bool:
    """True for RFC 9457 with a sentence."""
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(told) == {"type", "title", "status", "detail"}
    return told["status"] == answer.status_code and len(told["detail"].split()) > 3


@pytest.mark.parametrize("secret", [b"", b"a shared secret of thirty-two bytes or more"])
async def test_what_a_client_has_signed_is_queued_and_answered_202_with_its_id(doors: Doors, secret: bytes) -> None:
    doors.caller.secret = secret
    async with doors.open() as http:
        answer = await doors.caller.post(http, PATH, CONTENT)
        read = await doors.caller.get(http, answer.json()["url"])
    assert answer.status_code == 202
    assert answer.headers["location"] == answer.json()["url"] == f"{PATH}/{answer.json()['id']}"
    assert [event.kind for event in doors.queue.waiting] == ["api.ask"]
    assert (read.status_code, read.json()["status"]) == (200, "taken")


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_is_refused_with_a_sentence(doors: Doors, http: httpx.AsyncClient, name: str) -> None:
    attack = ATTACKS[name]
    answer = await attack.attempt(http, doors.caller)
    assert answer.status_code == attack.status
    assert is_a_problem(answer)
    assert len(doors.queue.waiting) == (name == "a replay")


@pytest.mark.parametrize("name", ATTACKS)
async def test_without_its_protection_the_attack_would_get_in(
    doors: Doors, http: httpx.AsyncClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ATTACKS[name].weaken(monkeypatch)
    assert (await ATTACKS[name].attempt(http, doors.caller)).status_code == 202


_ODD = st.binary(max_size=60) | st.sampled_from([b"", b"sig=", b'sig=("@method");created=1', b"sig=:AA==:", b"\xff"])


def fuzz(doors: Doors, count: int) -> None:
    """Post requests with headers of any bytes; AssertionError for the first that is not answered 401."""
    genuine = doors.caller.signed("POST", PATH, BODY)
    told, shown = genuine["Signature-Input"].encode(), genuine["Signature"].encode()

    async def post(http: httpx.AsyncClient, inputs: list[bytes], signatures: list[bytes]) -> None:
        headers = [(b"Signature-Input", each) for each in inputs] + [(b"Signature", each) for each in signatures]
        answer = await http.post(PATH, content=BODY, headers=headers)
        assert answer.status_code == 401, headers

    with asyncio.Runner() as runner:
        opened = doors.open()
        http = runner.run(opened.__aenter__())

        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            st.lists(_ODD | st.just(told), max_size=2), st.lists(_ODD | st.just(shown), max_size=2), st.integers(0, 400)
        )
        def attack(inputs: list[bytes], signatures: list[bytes], cut: int) -> None:
            runner.run(post(http, [each[:cut] for each in inputs], signatures))

        attack()
        runner.run(opened.__aexit__(None, None, None))


def test_a_hundred_and_fifty_odd_signatures_are_all_answered_401(doors: Doors) -> None:
    fuzz(doors, 150)


def test_a_door_that_reads_signatures_trustingly_would_be_caught(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.ingress.message_signatures._read", lambda message: message.headers["signature-input"][0])
    with pytest.raises(AssertionError):
        fuzz(doors, 20)


JUNK = {
    "nothing": (b"", 400),
    "no JSON": (b"{", 400),
    "no object": (b"[]", 422),
    "no text": (b"\xff\xfe", 400),
    "too deep": (DEEP, 400),
    "not a number": (b'{"tool": NaN}', 400),
    "a number of 9,000 digits": (b'{"tool": ' + b"9" * 9_000 + b"}", 400),
    "no tool": (b'{"args": {}, "reason": "x"}', 422),
    "a field too many": (json.dumps(CONTENT | {"requester": "U0ALICE"}).encode(), 422),
    "no reason": (json.dumps(CONTENT | {"reason": "  "}).encode(), 422),
}


@pytest.mark.parametrize("name", JUNK)
async def test_a_signed_body_that_says_nothing_is_refused(doors: Doors, http: httpx.AsyncClient, name: str) -> None:
    body, status = JUNK[name]
    answer = await send(http, doors.caller.signed("POST", PATH, body) | {"Content-Type": "application/json"}, body)
    assert answer.status_code == status
    assert is_a_problem(answer)
    assert doors.queue.waiting == []


async def test_what_is_asked_and_what_is_read_are_the_same_bytes(doors: Doors, http: httpx.AsyncClient) -> None:
    args: dict[str, Any] = {"service": "checkout", "number": 1.0, "nasty": nasty_arguments()}
    assert (await doors.caller.post(http, PATH, CONTENT | {"args": args})).status_code == 202
    assert doors.queue.waiting[0].body["args"] == args
    request = await doors.approvals.create(a_request(plan=a_plan(call=ToolCall(name="restart_service", args=args))))
    (shown,) = (await doors.caller.get(http, PATH)).json()["requests"]
    assert shown["plan"]["call"]["args"] == args
    answer = ApiAnswer(status=200, body=RequestAnswer.of(request).model_dump(mode="json"))
    assert ApiAnswer.read(answer.written()) == answer


async def test_no_reason_makes_a_fault_of_ours(doors: Doors, http: httpx.AsyncClient) -> None:
    for reason in nasty_arguments()[::6]:
        answer = await doors.caller.post(http, PATH, CONTENT | {"reason": reason})
        assert answer.status_code in (202, 422), reason


def test_a_plainer_way_of_writing_answers_would_trip_over_lone_surrogates() -> None:
    args: dict[str, Any] = {"service": "checkout", "lone": "\ud800"}
    shown = RequestAnswer.of(a_request(plan=a_plan(call=ToolCall(name="restart_service", args=args))))
    with pytest.raises(ValueError, match="surrogates"):
        shown.model_dump_json()


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/nowhere", 404), ("PUT", PATH, 405)])
async def test_what_is_not_there_is_a_problem_too(
    doors: Doors, http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert is_a_problem(answer)


async def test_a_key_stands_for_one_body(doors: Doors, http: httpx.AsyncClient) -> None:
    first = await doors.caller.post(http, PATH, CONTENT, key="deploy-17")
    again = await doors.caller.post(http, PATH, CONTENT, key="deploy-17")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    other = await send(http, doors.caller.signed("POST", PATH, OTHER, key="deploy-17"), OTHER)
    assert other.status_code == 422
    assert is_a_problem(other)
    assert len(doors.queue.waiting) == 1


async def test_without_memory_another_body_would_be_answered_as_if_it_were_taken(
    doors: Doors, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_same(*_: object) -> bool:
        return True

    monkeypatch.setattr(InMemoryApiMemory, "is_same", is_same)
    await doors.caller.post(http, PATH, CONTENT, key="deploy-17")
    other = await send(http, doors.caller.signed("POST", PATH, OTHER, key="deploy-17"), OTHER)
    assert other.status_code == 202


async def flooded(doors: Doors, pace: Pace) -> list[httpx.Response]:
    async with doors.open(pace) as http:
        return [await doors.caller.get(http, PATH) for _ in range(4)]


async def test_a_client_that_comes_too_often_is_told_when_to_come_again(doors: Doors) -> None:
    answers = await flooded(doors, Pace(per_second=0.5, burst=3, now=lambda: 0.0))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "3"
    assert is_a_problem(answers[-1])


async def test_without_a_pace_a_flood_would_get_in(doors: Doors) -> None:
    assert {answer.status_code for answer in await flooded(doors, Pace(burst=1000))} == {200}


def test_a_pace_lets_in_what_its_rate_allows() -> None:
    now = [0.0]
    pace = Pace(per_second=2.0, burst=2, now=lambda: now[0])
    for _ in range(2):
        assert pace.wait("a") == 0
        pace.take("a")
    assert [pace.wait("a"), pace.wait("b")] == [0.5, 0]
    now[0] = 0.5
    assert pace.wait("a") == 0
    pace.take("a")
    assert pace.wait("a") == 0.5


async def test_a_replay_takes_no_turn_from_its_client(doors: Doors) -> None:
    async with doors.open(Pace(per_second=0.1, burst=2, now=lambda: 0.0)) as http:
        headers = doors.caller.signed("GET", PATH)
        statuses = [(await http.get(PATH, headers=headers)).status_code for _ in range(5)]
        assert statuses == [200, 401, 401, 401, 401]
        answer = await doors.caller.get(http, PATH)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_nothing_is_promised_while_the_queue_is_gone(doors: Doors) -> None:
    doors.queue = UnreachableQueue()
    async with doors.open() as http:
        answer = await doors.caller.post(http, PATH, CONTENT)
    assert answer.status_code == 503
    assert is_a_problem(answer)


async def test_a_client_that_is_struck_out_is_refused_within_seconds(doors: Doors, http: httpx.AsyncClient) -> None:
    path = doors.folder / "api_clients.yaml"
    path.write_text("clients: [")
    doors.clock.advance(seconds=3)
    assert (await doors.caller.get(http, PATH)).status_code == 200  # a broken file strikes nobody out
    write_clients(path, (Caller("somebody-else", AUTHORITY), {}))
    doors.clock.advance(seconds=3)
    assert (await doors.caller.get(http, PATH)).status_code == 401


HEADERS = {
    "date": "Tue, 20 Apr 2021 02:07:55 GMT",
    "@method": "POST",
    "@path": "/foo",
    "@authority": "example.com",
    "content-type": "application/json",
    "content-length": "18",
}
PUBLIC = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
SHARED = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="


@pytest.mark.parametrize(
    ("key", "names", "keyid", "signature"),
    [
        (
            PublicKey(base64.b64decode(PUBLIC)),
            ["date", "@method", "@path", "@authority", "content-type", "content-length"],
            "test-key-ed25519",
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
        ),
        (
            SharedSecret(base64.b64decode(SHARED)),
            ["date", "@authority", "content-type"],
            "test-shared-secret",
            "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
        ),
    ],
    ids=["B.2.6", "B.2.5"],
)
def test_the_examples_of_the_standard_are_understood(
    key: PublicKey | SharedSecret, names: list[str], keyid: str, signature: str
) -> None:
    covered = " ".join(f'"{name}"' for name in names)
    params = f'({covered});created=1618884473;keyid="{keyid}"'
    base = signature_base(names, params, HEADERS.__getitem__).encode()
    assert key.proves(base64.b64decode(signature), base)
    assert not key.proves(base64.b64decode(signature), base + b" ")
