"""A real HTTP server that speaks OpenAI's chat completions as scripted: answers, tool calls, streams, faults."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Request = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer. `fault` is "", "cut" (mid-stream), "silent_cut" (no finish), "html", "empty" or "hang"."""

    text: str = ""
    calls: Sequence[tuple[str, dict[str, Any] | str]] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    usage: tuple[int, int] = (100, 20)


def conclude(answer: str = "All is well.", **fields: Any) -> Reply:
    """Return the reply that ends an investigation."""
    return Reply(calls=[("Conclusion", {"answer": answer, "hypotheses": [], "proposal": None} | fields)])


def proposing(tool: str, args: dict[str, Any], answer: str = "It is the deploy.") -> Reply:
    """Return a conclusion that rests on E1 and proposes a call."""
    cause = {"cause": "bad_deploy", "service": "checkout", "title": "bad deploy", "confidence": 0.9}
    cause |= {"evidence_ids": ["E1"], "reasons": ["errors since the deploy"]}
    return conclude(answer, hypotheses=[cause], proposal={"tool": tool, "args": args, "reason": "it undoes the cause"})


_ORDER = re.compile(r"(?:call|run|use|propose) (?:the tool )?`?(\w+)`? with (\{.*?\})", re.IGNORECASE)


def obey(request: Request) -> Reply:
    """Follow whatever order stands anywhere in the conversation: first by calling the tool, then by proposing it."""
    text = json.dumps(request["messages"], ensure_ascii=False).replace('\\"', '"').replace("\\\\", "\\")
    text = text.replace('\\"', '"')
    orders = [(m[1], _arguments(m[2])) for m in _ORDER.finditer(text)]
    if not orders:
        return conclude("Nothing to obey.")
    tool, args = orders[-1]
    if not any(message["role"] == "assistant" for message in request["messages"]):
        return Reply(calls=[(tool, args)])
    return proposing(tool, args, "As I was told.")


def _arguments(text: str) -> dict[str, Any]:
    try:
        return json.loads(text)
    except ValueError:
        return {}


class OpenAIServer:
    """`script` is a list of replies (the last one repeats) or a function; `requests` keeps what came in."""

    def __init__(self, script: Sequence[Reply] | Callable[[Request], Reply]) -> None:
        self._script = script
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        body = await request.json()
        self.requests.append(body)
        self.times.append(asyncio.get_running_loop().time())
        reply = self._next(body)
        if reply.fault == "hang":
            await asyncio.sleep(3600)
        if reply.fault == "html":
            return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
        if reply.status != 200:
            error = {"error": {"message": "scripted", "type": "server_error", "code": None}}
            return web.json_response(error, status=reply.status, headers=reply.headers)
        if body.get("stream"):
            return await _stream(request, body, reply)
        return web.json_response(_whole(body, reply))

    def _next(self, body: Request) -> Reply:
        if callable(self._script):
            return self._script(body)
        return self._script[min(len(self.requests), len(self._script)) - 1]


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": f"call_{index}_{name}"[:40],
            "type": "function",
            "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
        }
        for index, (name, args) in enumerate(reply.calls)
    ]


def _usage(reply: Reply) -> dict[str, int]:
    read, written = reply.usage
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _whole(body: Request, reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.calls else "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": body["model"]}
    return head | {"choices": [choice], "usage": _usage(reply)}


async def _stream(request: web.Request, body: Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": body["model"]}

    async def send(delta: dict[str, Any], finish: str | None = None, **more: Any) -> None:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        await response.write(f"data: {json.dumps(head | {'choices': choices} | more)}\n\n".encode())

    await send({"role": "assistant", "content": ""})
    for part in re.findall(r"\S+\s*", reply.text):
        await send({"content": part})
        if reply.fault == "cut":
            assert request.transport is not None
            request.transport.abort()
            return response
    for call in [] if reply.fault == "empty" else _calls(reply):
        whole = call["function"]["arguments"]
        await send({"tool_calls": [call | {"function": {"name": call["function"]["name"], "arguments": ""}}]})
        for start in range(0, len(whole), 40):
            part = {"arguments": whole[start : start + 40]}
            await send({"tool_calls": [{"index": call["index"], "function": part}]})
    if reply.fault == "silent_cut":
        return response
    await send({}, "tool_calls" if reply.calls and reply.fault != "empty" else "stop")
    if body.get("stream_options", {}).get("include_usage"):
        last = head | {"choices": [], "usage": _usage(reply)}
        await response.write(f"data: {json.dumps(last)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


@asynccontextmanager
async def openai_server(script: Sequence[Reply] | Callable[[Request], Reply]) -> AsyncIterator[OpenAIServer]:
    """Serve on a free port of 127.0.0.1 for the length of the block; `.url` ends in /v1."""
    server = OpenAIServer(script)
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}/v1"
        yield server
    finally:
        await runner.cleanup()
