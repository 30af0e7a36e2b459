"""What is too much is refused at once and costs no memory: raw bytes against a web role that runs."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from bot.web.body import MAX_BODY
from demo.slack import LocalWorkspace
from tests.fakes.processes import end
from tests.fakes.running_bot import ALERTS_TOKEN
from tests.fakes.running_web import SIGNING_SECRET, RunningWeb, running_web
from tests.fakes.servers import start_redis
from tests.security.slack_door import signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOOK, DOOR = "/webhooks/alertmanager", "/slack/events"
DEEP = b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
BOMB = gzip.compress(b" " * 50_000_000)
MANY_LABELS = (
    b'{"alerts":[{"status":"firing","labels":{' + b",".join(b'"l%d":""' % n for n in range(1_000_000)) + b"}}]}"
)
LABELS_THAT_FIT = MANY_LABELS[: MAX_BODY - 100].rsplit(b",", 1)[0] + b"}}]}"
MANY_ALERTS = b'{"alerts":[' + b",".join([b'{"status":"firing"}'] * 45_000) + b"]}"
NOTHING = b'{"alerts":[]}'
MUCH = b" " * (5 * MAX_BODY + 1)


class Answer(NamedTuple):
    """A status (0: hung up without one) and the seconds from the last byte needed until it came."""

    status: int
    seconds: float


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningWeb]:
    folder = tmp_path_factory.mktemp("web")
    child, url = start_redis(folder / "redis", "valkey", ("--appendonly", "no"))
    try:
        async with LocalWorkspace(port=0) as workspace, running_web(url, workspace.url, folder) as web:
            yield web
    finally:
        end(child)


async def post(web: RunningWeb, path: str, body: bytes, *headers: str, chunked: bool = False) -> Answer:
    """Send a request over a connection of its own, all of it unless the answer comes before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: bot", length, *headers, "", ""]).encode("latin-1")
    payload = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    begun = time.monotonic()

    async def push() -> None:
        writer.write(head + payload)
        await writer.drain()

    pushing = asyncio.create_task(push())
    try:
        line = await reader.readline()
        return Answer(int(line.split()[1]) if line else 0, time.monotonic() - begun)
    except ConnectionError:
        return Answer(0, time.monotonic() - begun)
    finally:
        pushing.cancel()
        writer.close()
        await asyncio.gather(pushing, writer.wait_closed(), return_exceptions=True)


KEY = f"Authorization: Bearer {ALERTS_TOKEN}"


def slack(body: bytes) -> list[str]:
    """Return the headers of a request that Slack has signed just now."""
    return [f"{name}: {value}" for name, value in signed(body, str(int(time.time())), SIGNING_SECRET).items()]


CASES: dict[str, tuple[str, bytes, list[str], bool, int]] = {
    "5 MiB + 1 from Slack": (DOOR, MUCH, slack(b""), False, 413),
    "5 MiB + 1 in chunks": (DOOR, MUCH, slack(b""), True, 413),
    "5 MiB + 1 alert": (HOOK, MUCH, [KEY], False, 413),
    "5 MiB + 1 alert in chunks": (HOOK, MUCH, [KEY], True, 413),
    "10,000 deep, signed": (DOOR, DEEP, slack(DEEP), False, 400),
    "10,000 deep form, signed": (DOOR, b"payload=" + DEEP, slack(b"payload=" + DEEP), False, 400),
    "a form of 500,000 fields, signed": (DOOR, b"a&" * 500_000, slack(b"a&" * 500_000), False, 400),
    "10,000 deep alert": (HOOK, DEEP, [KEY], False, 400),
    "gzip bomb from Slack": (DOOR, BOMB, [*slack(BOMB), "Content-Encoding: gzip"], False, 415),
    "gzip bomb alert": (HOOK, BOMB, [KEY, "Content-Encoding: gzip"], False, 415),
    "1,000,000 labels": (HOOK, MANY_LABELS, [KEY], False, 413),
    "labels for 1 MiB": (HOOK, LABELS_THAT_FIT, [KEY], False, 400),
    "a number of 1 MB": (HOOK, b"9" * 1_000_000, [KEY], False, 400),
    "no token, 5 MiB + 1": (HOOK, MUCH, [], False, 401),
    "a length of 40 digits": (HOOK, b"", [KEY, f"Content-Length: {'9' * 40}"], False, 400),
    "8 MB of header": (HOOK, NOTHING, [KEY, "X: " + "x" * 8_000_000], False, 400),
    "8 MB of headers": (HOOK, NOTHING, [KEY, *["X: y"] * 1_300_000], False, 400),
    "8 MB of address": ("/" + "x" * 8_000_000, b"", [KEY], False, 400),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_too_much_is_refused_within_100_ms_and_50_mb(web: RunningWeb, case: str) -> None:
    path, body, headers, chunked, status = CASES[case]
    before = web.memory()
    answers = [await post(web, path, body, *headers, chunked=chunked) for _ in range(3)]
    assert {answer.status for answer in answers} == {status}
    assert min(answer.seconds for answer in answers) < 0.1
    assert web.memory() - before < 50


async def test_a_hundred_forged_bodies_of_1_mib_held_open_cost_less_than_50_mb(web: RunningWeb) -> None:
    head = f"POST {DOOR} HTTP/1.1\r\nHost: bot\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode()
    before, peak = web.memory(), 0.0
    lines = [await asyncio.open_connection("127.0.0.1", web.port) for _ in range(100)]
    for _, writer in lines:
        writer.write(head + b"x" * (MAX_BODY - 1))
    answers = [asyncio.create_task(reader.readline()) for reader, _ in lines]
    for _ in range(20):
        await asyncio.wait(answers, timeout=0.05)
        peak = max(peak, web.memory())
    for answer, (_, writer) in zip(answers, lines, strict=True):
        answer.cancel()
        writer.transport.abort()
    told = await asyncio.gather(*answers, return_exceptions=True)
    assert peak - before < 50
    assert sum(isinstance(line, bytes) and b" 503 " in line for line in told) == 84


async def test_what_is_just_within_is_taken(web: RunningWeb) -> None:
    alerts = [{"status": "firing", "labels": {"alertname": f"a{n}", "service": f"s{n}"}} for n in range(2_000)]
    answer = await post(web, HOOK, json.dumps({"alerts": alerts}).encode().ljust(MAX_BODY), KEY)
    assert answer.status == 200


async def test_too_many_alerts_are_cut_off_in_less_than_50_mb(web: RunningWeb) -> None:
    before = web.memory()
    assert {(await post(web, HOOK, MANY_ALERTS, KEY)).status for _ in range(3)} == {200}
    assert web.memory() - before < 50


UNLIMITED = """
import asyncio, sys
from bot.ingress import alertmanager, untrusted
from bot.web import body, http_protocol
body.MAX_BODY = http_protocol.MAX_AROUND_BODY = untrusted._MAX_PAIRS = alertmanager.MAX_ALERTS = 10**9
body._LARGE_AT_ONCE = 1000
from bot.__main__ import main
status = main()
print("loaded:", *sys.modules)
sys.exit(status)
"""


async def test_without_the_limits_each_would_be_caught(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey", ("--appendonly", "no"))
    cases = ["5 MiB + 1 alert", "5 MiB + 1 alert in chunks", "labels for 1 MiB", "8 MB of header", "8 MB of headers"]
    try:
        async with (
            LocalWorkspace(port=0) as workspace,
            running_web(url, workspace.url, tmp_path, ("-c", UNLIMITED)) as web,
        ):
            for case in cases:
                with pytest.raises(AssertionError):
                    await test_what_is_too_much_is_refused_within_100_ms_and_50_mb(web, case)
            with pytest.raises(AssertionError):
                await test_a_hundred_forged_bodies_of_1_mib_held_open_cost_less_than_50_mb(web)
    finally:
        end(child)
    loaded = {name.split(".")[0] for name in (tmp_path / "web.log").read_text().split("loaded: ", 1)[1].split()}
    assert {"bot", "slack_bolt", "redis"} <= loaded
    assert loaded.isdisjoint({"langgraph", "langchain", "langchain_core", "matplotlib", "numpy", "sqlalchemy"})
