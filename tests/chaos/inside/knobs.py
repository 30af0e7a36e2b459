"""A target inside the test's own process, with its own ledger and no mercy: it does what it is told, twice too, as long
as it is in the state that the call was approved on."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from core.errors import StaleApprovalError
from core.ports import Clock
from core.risk import Risk
from core.tool_call import ToolCall, ToolResult
from tests.chaos.history import Act
from tests.chaos.inside.plug import Plug
from tools.spec import ActArguments, Action, OutcomeUnknownError, Preview, ServiceArguments, Stamp, ToolSpec

SERVICES = {"front": ("checkout",), "checkout": ("payments",), "payments": ()}
LOOKED: ContextVar[datetime | None] = ContextVar("LOOKED", default=None)
"""When whoever acts began its last look at the freeze switch."""

AMNESIC = "front"
"""Its target does not know action ids: what it did cannot be read back."""


class Restart(ActArguments):
    """Restarting changes no number, so nothing but the ledger of intents keeps a second one away."""


class Scale(ActArguments):
    """Scaling changes the state that the next plan is made on."""

    workers: int = Field(ge=1, le=16)


@dataclass
class Knobs:
    """`answers` is what becomes of the next calls: done and told, `lost` (done, untold), `unheard` (not done, untold)
    or `slow`; `sick` are services whose health route answers 500. It babbles its `secret` whenever it has done
    something."""

    clock: Clock
    secret: str
    ledger: list[Act] = field(default_factory=list[Act])
    workers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 2))
    versions: Counter[str] = field(default_factory=Counter[str])
    answers: list[str] = field(default_factory=list[str])
    sick: set[str] = field(default_factory=set[str])
    compares: ClassVar[bool] = True
    """Whether it does nothing on another state than the one that was approved, as a real target does that can."""

    def turn(self, service: str) -> None:
        """Somebody else changes the service."""
        self.versions[service] += 1

    async def act(self, plug: Plug, call: ToolCall, stamp: Stamp) -> ToolResult:
        """Do it. The line bears the moment in which the call left the guard, and the state it was done on."""
        service, at = str(call.args["service"]), self.clock.now()
        answer = self.answers.pop(0) if self.answers else "done"
        async with plug.port("target act"):
            if answer == "unheard":
                raise OutcomeUnknownError("the connection broke")
            if answer == "slow":
                await asyncio.sleep(0.02)
            found: dict[str, JsonValue] = {"resource_version": self.versions[service]}
            if self.compares and found != stamp.precondition:
                # Only the target itself can see what changes after the last look at it; a real one refuses so.
                raise StaleApprovalError("its target has changed in this very moment")
            self.ledger.append(Act(stamp.action_id, call, at, found, LOOKED.get()))
            if call.name == "scale_workers":
                self.workers[service] = int(str(call.args["workers"]))
                self.versions[service] += 1
            if answer == "lost":
                raise OutcomeUnknownError("the answer got lost")
        return ToolResult(status="ok", text=f"{call.name} of {service} is done, token={self.secret}")

    async def read_back(self, plug: Plug, service: str, action_id: str) -> ToolResult | None:
        """Say what the ledger says; nothing for a target without a memory."""
        async with plug.port("target read back"):
            known = service != AMNESIC and any(act.action_id == action_id for act in self.ledger)
            return ToolResult(status="ok", text="it was done") if known else None

    def specs(self, plug: Plug, timeout: float) -> list[ToolSpec[Any]]:
        """Return the tools through which one worker reaches the target."""
        return [
            ToolSpec(
                name="service_status", description="Status.", args=ServiceArguments, risk=Risk.READ, timeout=timeout,
                read=lambda args: self._read(plug, {"status": "running", "version": "1", "workers": 2}),
            ),
            ToolSpec(
                name="probe_http", description="Health.", args=ServiceArguments, risk=Risk.READ, timeout=timeout,
                read=lambda args: self._read(plug, {"status_code": 500 if args.service in self.sick else 200}),
            ),
            self._acting(plug, "restart_service", Restart, Risk.DISRUPTIVE, timeout),
            self._acting(plug, "scale_workers", Scale, Risk.REVERSIBLE, timeout),
        ]  # fmt: skip

    async def _read(self, plug: Plug, data: dict[str, JsonValue]) -> ToolResult:
        async with plug.port("target read"):
            return ToolResult(status="ok", text="seen", data=data)

    def _acting(self, plug: Plug, name: str, args: type[ActArguments], risk: Risk, timeout: float) -> ToolSpec[Any]:
        run: Callable[[ActArguments, Stamp], Awaitable[ToolResult]] = lambda given, stamp: self.act(  # noqa: E731
            plug, ToolCall(name=name, args=given.model_dump(mode="json")), stamp
        )
        action: Action[Any] = Action(
            impact="People notice.",
            dry_run=lambda given: self._dry_run(plug, given),
            precondition=lambda given, preview: {"resource_version": preview.resource_version},
            rollback=lambda given, preview: _undo(given, preview),
            run=run,
            read_back=lambda given, action_id: self.read_back(plug, given.service, action_id),
        )
        return ToolSpec(name=name, description=name, args=args, risk=risk, timeout=timeout, action=action)

    async def _dry_run(self, plug: Plug, given: ActArguments) -> Preview:
        async with plug.port("target dry run"):
            workers = self.workers[given.service]
            wanted = given.workers if isinstance(given, Scale) else "again"
            version = self.versions[given.service]
            return Preview({"workers": workers}, {"workers": wanted}, f"workers: {workers} -> {wanted}", version)


def _undo(given: ActArguments, preview: Preview) -> ToolCall | None:
    if not isinstance(given, Scale):
        return None
    return ToolCall(name="scale_workers", args={"service": given.service, "workers": preview.before["workers"]})
