"""A small supervisor on a real socket that breaks down in the ways that a network and a target can."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

REASONS = {200: "OK", 401: "Unauthorized", 404: "Not Found", 409: "Conflict", 422: "Unprocessable", 500: "Broken"}


@dataclass
class Target:
    """What the supervisor keeps of one service; `version_number` is its resource version."""

    workers: int = 4
    version: str = "1.4.2"
    config: dict[str, Any] = field(default_factory=lambda: {"payments_timeout_ms": 5})
    generation: int = 0
    version_number: int = 7

    def state(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "workers": self.workers,
            "config": dict(self.config),
            "restart_generation": self.generation,
        }

    def after(self, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        state = self.state()
        match operation:
            case "restart":
                state["restart_generation"] += 1
            case "scale":
                state["workers"] = args["workers"]
            case "rollback":
                state["version"] = args["to_version"]
            case "config":
                state["config"] |= {args["key"]: args["value"]}
        return state

    def become(self, state: dict[str, Any]) -> None:
        self.version, self.workers = state["version"], state["workers"]
        self.config, self.generation = state["config"], state["restart_generation"]
        self.version_number += 1


class FaultySupervisor:
    """`faults` maps a step (dry_run, before, after, read_back) to what happens there: hang, reset, garbage, 500, gzip.

    `effects` lists every effect in order. A `forgiving` target has one effect for each action id and minds resource
    versions; one that is not shows nothing of its effects in its state either, so that only the caller can count.
    """

    token = "tok-5f1c9a7be2d04"

    def __init__(self, *, forgiving: bool = True) -> None:
        self.targets = {"front": Target(), "checkout": Target(), "payments": Target()}
        self.effects: list[dict[str, Any]] = []
        self.faults: dict[str, str] = {}
        self.seen: list[dict[str, Any]] = []
        self.forgiving = forgiving
        self.delay = 0.0
        self.pages: dict[str, tuple[int, bytes]] = {}
        self.raw = b""
        self.url = ""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FaultySupervisor"]:
        """Listen on a free port for the length of the block."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for writer in self._writers:
                writer.transport.abort()  # close() would wait for a reader of what is still buffered
            await asyncio.sleep(0.001)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split("\r\n")[0].split(" ")
        headers = {
            line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in head.split("\r\n")[1:] if line
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if path.split("?")[0] in self.pages:
            status, page = self.pages[path.split("?")[0]]
            return await self._send(writer, status, page)
        if path == "/raw":
            writer.write(self.raw)
            await writer.drain()
            return False
        if method == "GET":
            return await self._look(writer, path.strip("/").split("/"))
        return await self._act(writer, path.strip("/").split("/"), headers, json.loads(body))

    async def _look(self, writer: asyncio.StreamWriter, path: list[str]) -> bool:
        if path[0] == "actions":
            if (broken := await self._break("read_back", writer)) is not None:
                return broken
            row = next((row for row in self.effects if row["action_id"] == path[1]), None)
            return await self._answer(writer, 200 if row else 404, row or {"error": "not_found"})
        target = self.targets.get(path[1])
        if target is None:
            return await self._answer(writer, 404, {"error": "not_found", "detail": "no such service"})
        return await self._answer(writer, 200, target.state() | {"name": path[1], "status": "running", "restarts": 0})

    async def _act(
        self, writer: asyncio.StreamWriter, path: list[str], headers: dict[str, str], body: dict[str, Any]
    ) -> bool:
        if headers.get("authorization") != f"Bearer {self.token}":
            return await self._answer(writer, 401, {"error": "unauthorised", "detail": "a bearer token is needed"})
        self.seen.append(body)
        name, operation = path[1], path[2]
        target = self.targets[name]
        args = {key: body[key] for key in ("workers", "to_version", "key", "value") if key in body}
        before, after = target.state(), target.after(operation, args)
        if body.get("dry_run"):
            if (broken := await self._break("dry_run", writer)) is not None:
                return broken
            diff = "\n".join(
                f"-{key}: {before[key]}\n+{key}: {after[key]}" for key in after if before[key] != after[key]
            )
            answer = {"dry_run": True, "before": before, "after": after, "diff": diff}
            answer["resource_version"] = target.version_number
            await asyncio.sleep(self.delay)
            return await self._answer(writer, 200, answer)
        if (broken := await self._break("before", writer)) is not None:
            return broken
        earlier = next((row for row in self.effects if row["action_id"] == body["action_id"]), None)
        if earlier is not None and self.forgiving:
            return await self._answer(writer, 200, earlier | {"replayed": True})
        if self.forgiving and body.get("resource_version") not in (None, target.version_number):
            return await self._answer(writer, 409, {"error": "conflict", "resource_version": target.version_number})
        if self.forgiving:
            target.become(after)
        row = {"action_id": body["action_id"], "service": name, "operation": operation, "args": args, "status": "done"}
        row |= {"by": body["by"], "before": before, "after": after, "resource_version": target.version_number}
        self.effects.append(row)
        await asyncio.sleep(self.delay)
        if (broken := await self._break("after", writer)) is not None:
            return broken
        return await self._answer(writer, 200, row | {"replayed": False})

    async def _break(self, step: str, writer: asyncio.StreamWriter) -> bool | None:
        """Return None when nothing is wrong, else whether the connection lives on."""
        match self.faults.get(step):
            case "hang":
                await asyncio.Event().wait()
            case "reset":
                writer.transport.abort()
                return False
            case "garbage":
                return await self._send(writer, 200, b"<html>hello</html>")
            case "half":
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
                await writer.drain()
                writer.transport.abort()
                return False
            case "500":
                return await self._send(writer, 500, b"oops")
            case "409":
                return await self._answer(writer, 409, {"error": "conflict", "resource_version": 99})
            case "401":
                return await self._answer(writer, 401, {"error": "unauthorised"})
            case "422":
                return await self._answer(writer, 422, {"error": "bad_arguments", "detail": "out of range"})
            case "huge":
                return await self._send(writer, 200, b'{"x": "' + b"y" * 5_000_000 + b'"}')
            case _:
                return None
        return False

    async def _answer(self, writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> bool:
        return await self._send(writer, status, json.dumps(body).encode())

    async def _send(self, writer: asyncio.StreamWriter, status: int, body: bytes) -> bool:
        head = f"HTTP/1.1 {status} {REASONS.get(status, 'Odd')}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        return True
