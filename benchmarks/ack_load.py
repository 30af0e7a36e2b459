"""The load of benchmarks.ack, in a process of its own: `python -m benchmarks.ack_load PORT CONNECTIONS COUNT PAUSE`.

Sends so many signed events, each a new one, over so many connections; each connection waits for its answer and then
PAUSE seconds. Prints the milliseconds of each answer as JSON. One connection is a blocking socket: nothing is faster.
"""

import asyncio
import itertools
import json
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from benchmarks.bare_web import SECRET
from bot.ingress.verifier import sign

TEXT = "the deploy of checkout is out, error rates look fine so far and the queue is draining as it should " * 3


def an_event() -> bytes:
    """Return the body of a message event as Slack sends it, about 1.5 kB."""
    stamp = f"{time.time():.6f}"
    block = {"type": "rich_text_section", "elements": [{"type": "text", "text": TEXT}]}
    event = {"type": "message", "user": "U0ALICE", "text": TEXT, "ts": stamp, "channel": "C0OPS", "event_ts": stamp}
    event |= {"channel_type": "channel", "team": "T0LOCAL", "client_msg_id": secrets.token_hex(16)}
    event |= {"blocks": [{"type": "rich_text", "block_id": "x1Y", "elements": [block]}]}
    body = {"token": "z" * 24, "team_id": "T0LOCAL", "api_app_id": "A0LOCAL", "event": event, "type": "event_callback"}
    body |= {"event_id": f"Ev{secrets.token_hex(8)}", "event_time": int(time.time()), "is_ext_shared_channel": False}
    who = {"enterprise_id": None, "team_id": "T0LOCAL", "user_id": "U1", "is_bot": True, "is_enterprise_install": False}
    return json.dumps(body | {"authorizations": [who], "event_context": "4-" + "e" * 80}).encode()


def request(body: bytes) -> bytes:
    """Return the whole request, signed now."""
    stamp = str(int(time.time()))
    head = (
        "POST /slack/events HTTP/1.1\r\nHost: bot.example\r\n"
        "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nAccept-Encoding: gzip,deflate\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {sign(SECRET, stamp, body)}\r\n\r\n"
    )
    return head.encode() + body


def one_after_another(port: int, requests: list[bytes], pause: float) -> list[float]:
    """Return the milliseconds of each answer over one connection."""
    found: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for each in requests:
            began = time.perf_counter()
            line.sendall(each)
            answer = line.recv(65536)
            found.append((time.perf_counter() - began) * 1000)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            assert answer.endswith(b"\r\n\r\n"), answer
            if pause:
                time.sleep(pause)
    return found


class Line(asyncio.Protocol):
    """One of several connections: takes the next request whenever it has its answer."""

    def __init__(self, requests: Iterator[bytes], found: list[float]) -> None:
        self._requests, self._found, self._began = requests, found, 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        """Count the answer and go on."""
        self._found.append((time.perf_counter() - self._began) * 1000)
        if not data.startswith(b"HTTP/1.1 200 "):
            self.ended.set_exception(AssertionError(data))
            return
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if not self.ended.done():
            self.ended.set_result(None)

    def _next(self) -> None:
        each = next(self._requests, None)
        if each is None:
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(each)


async def side_by_side(port: int, connections: int, requests: list[bytes]) -> list[float]:
    """Return the milliseconds of each answer over several connections."""
    found: list[float] = []
    waiting, loop = iter(requests), asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Line(waiting, found), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(line.ended for _, line in made))
    return found


def main(port: int, connections: int, count: int, pause: float) -> None:
    """Send and print."""
    requests = [request(an_event()) for _ in itertools.repeat(None, count)]
    began = time.perf_counter()
    if connections == 1:
        found = one_after_another(port, requests, pause)
    else:
        found = uvloop.run(side_by_side(port, connections, requests))
    print(json.dumps({"seconds": time.perf_counter() - began, "ms": found}))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]), pause=float(sys.argv[4]))
