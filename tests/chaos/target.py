"""What the bot acts upon, with a ledger of its own: it counts what really happened and forgives nothing."""

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Manner = Literal["at once", "answer late", "act late", "never"]
"""How an act goes: done and answered, done with the answer `lag` later, done only `lag` later, or not at all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One effect."""

    action_id: str
    service: str
    operation: str
    args: dict[str, Any]
    at: datetime
    monotonic: float


@dataclass
class Service:
    """What is kept of one service."""

    workers: int = 2
    generation: int = 0
    version: int = 1

    def state(self) -> dict[str, Any]:
        return {"version": "1.0.0", "workers": self.workers, "restart_generation": self.generation, "config": {}}

    def after(self, operation: str, args: dict[str, Any]) -> dict[str, Any]:
        if operation == "scale":
            return self.state() | {"workers": args["workers"]}
        return self.state() | {"restart_generation": self.generation + 1}


@dataclass
class Target:
    """Speaks the supervisor's protocol, without its mercies: the same action id twice is two effects, as with any
    system that knows no idempotency key. `manner` and `lag` (seconds) are what the next acts meet. A `silent` one shows
    nothing of an act in its state, so that no look at it before the next one can tell."""

    services: dict[str, Service]
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    manner: Manner = "at once"
    lag: float = 0.5
    healthy: bool = True
    silent: bool = False
    ledger: list[Line] = field(default_factory=list[Line])

    def app(self) -> Starlette:
        """Return it as an ASGI application, to be mounted."""
        return Starlette(
            routes=[
                Route("/services/{name}", self._service),
                Route("/services/{name}/{listing}", self._listing, methods=["GET"]),
                Route("/services/{name}/{operation}", self._act, methods=["POST"]),
                Route("/actions/{action_id}", self._action),
                Route("/health/{name}", self._health),
            ]
        )

    def of(self, action_id: str) -> list[Line]:
        """Return the effects under that id."""
        return [line for line in self.ledger if line.action_id == action_id]

    async def _service(self, request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse(self._named(name).state() | {"name": name, "status": "running", "restarts": 0})

    async def _listing(self, request: Request) -> Response:
        return JSONResponse({"deploys": [], "history": [], "config": {}, "revision": 1})

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"healthy": self.healthy}, status_code=200 if self.healthy else 500)

    async def _action(self, request: Request) -> Response:
        found = self.of(request.path_params["action_id"])
        return JSONResponse(_row(found[0])) if found else JSONResponse({"error": "not_found"}, status_code=404)

    async def _act(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "unauthorised"}, status_code=401)
        name, operation = request.path_params["name"], request.path_params["operation"]
        service, body = self._named(name), await request.json()
        args = {key: body[key] for key in ("workers",) if key in body}
        before, after = service.state(), service.after(operation, args)
        if body.get("dry_run"):
            diff = "\n".join(
                f"-{key}: {before[key]}\n+{key}: {after[key]}" for key in after if before[key] != after[key]
            )
            answer = {"dry_run": True, "before": before, "after": after, "diff": diff}
            return JSONResponse(answer | {"resource_version": service.version})
        # A task of its own: a caller that dies does not stop what it has set going.
        doing = asyncio.create_task(self._carry_out(self.manner, body["action_id"], name, operation, args))
        line = await asyncio.shield(doing)
        return JSONResponse(_row(line) | {"before": before, "after": after, "resource_version": service.version})

    async def _carry_out(self, manner: Manner, action_id: str, name: str, operation: str, args: dict[str, Any]) -> Line:
        if manner == "never":
            await asyncio.sleep(3600)
        if manner == "act late":
            await asyncio.sleep(self.lag)
        service = self._named(name)
        after = service.after(operation, args)
        if not self.silent:
            service.workers, service.generation = after["workers"], after["restart_generation"]
        line = Line(action_id, name, operation, args, datetime.now(UTC), monotonic())
        self.ledger.append(line)
        if manner == "answer late":
            await asyncio.sleep(self.lag)
        return line

    def _named(self, name: str) -> Service:
        if name not in self.services:
            raise HTTPException(404, "no such service")
        return self.services[name]


def _row(line: Line) -> dict[str, Any]:
    return {
        "action_id": line.action_id, "service": line.service, "operation": line.operation, "args": line.args,
        "at": line.at.isoformat(), "status": "done", "before": {}, "after": {}, "resource_version": 1,
    }  # fmt: skip
