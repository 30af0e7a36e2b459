"""A target in memory that keeps a ledger of its own: what it did, to which service, under which action id."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import JsonValue

from core.errors import StaleApprovalError, ToolError
from core.risk import Risk
from core.tool_call import ToolCall, ToolResult
from tests.fakes.clock import FakeClock
from tools.environment import Environment, Service
from tools.registry import Registry
from tools.spec import ActArguments, Action, OutcomeUnknownError, Preview, ServiceArguments, Stamp, ToolSpec

SERVICES = ("front", "checkout", "payments")
Point = Callable[[str], Awaitable[None]]


class Scale(ActArguments):
    """How many workers."""

    workers: int


class Restart(ActArguments):
    """Which service."""


@dataclass(frozen=True)
class Act:
    """One line of the ledger."""

    action_id: str
    call: ToolCall
    by: str
    data: dict[str, JsonValue]


async def _nowhere(_: str) -> None:
    return


@dataclass
class Target:
    """`refuses` and `loses` name calls that are refused, or done without an answer or a trace: `scale_workers front`;
    `point` is awaited before and after each call, and may be where the caller dies."""

    workers: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 4))
    starts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0))
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 7))
    ledger: list[Act] = field(default_factory=list[Act])
    refuses: set[str] = field(default_factory=set[str])
    loses: set[str] = field(default_factory=set[str])
    forgets: set[str] = field(default_factory=set[str])
    on_act: Callable[[ToolCall], None] = lambda call: None
    point: Point = _nowhere

    @property
    def done(self) -> list[str]:
        """What was done, in order: `scale payments 8`."""
        words = {"scale_workers": "scale", "restart_service": "restart"}
        return [" ".join([words[act.call.name], *map(str, act.call.args.values())]) for act in self.ledger]

    def state(self, service: str) -> dict[str, JsonValue]:
        return {"workers": self.workers[service], "starts": self.starts[service]}

    def touch(self, service: str) -> None:
        """Somebody else changes the service."""
        self.versions[service] += 1

    def registry(self, http: httpx.AsyncClient) -> Registry:
        """Return the tools that reach it."""
        services = [
            Service(name=name, env="prod", url="http://t", health_url="http://t/h", metrics_url="http://t/m")
            for name in SERVICES
        ]
        environment = Environment(
            services=services, prometheus_url="http://t", supervisor_url="http://t", supervisor_token="t",
            http=http, clock=FakeClock(),
        )  # fmt: skip
        return Registry(environment, self._specs())

    def _specs(self) -> list[ToolSpec[Any]]:
        return [
            _read("service_status", {"status": "running"}),
            _read("probe_http", {"status_code": 200}),
            self._acting("scale_workers", Scale, Risk.REVERSIBLE, self._unscale),
            self._acting("restart_service", Restart, Risk.DISRUPTIVE, lambda given, preview: None),
        ]

    def _acting(self, name: str, args: type[ActArguments], risk: Risk, rollback: Any) -> ToolSpec[Any]:
        async def dry_run(given: ActArguments) -> Preview:
            before = self.state(given.service)
            after = before | ({"workers": given.workers} if isinstance(given, Scale) else {"starts": before["starts"]})
            diff = f"{name}: {before} -> {after}"
            after |= {} if isinstance(given, Scale) else {"starts": self.starts[given.service] + 1}
            return Preview(before=before, after=after, diff=diff, resource_version=self.versions[given.service])

        def precondition(given: ActArguments, preview: Preview) -> dict[str, JsonValue]:
            return {"resource_version": preview.resource_version, "workers": preview.before["workers"]}

        async def run(given: ActArguments, stamp: Stamp) -> ToolResult:
            return await self._run(ToolCall(name=name, args=given.model_dump(mode="json")), given, stamp)

        async def read_back(given: ActArguments, action_id: str) -> ToolResult | None:
            await self.point("read back")
            found = [act for act in self.ledger if act.action_id == action_id and act.action_id not in self.forgets]
            return ToolResult(status="ok", text="it was done", data=found[0].data) if found else None

        action: Action[Any] = Action(
            impact="People notice.", dry_run=dry_run, precondition=precondition, rollback=rollback, run=run,
            read_back=read_back,
        )  # fmt: skip
        return ToolSpec(name=name, description=name, args=args, risk=risk, timeout=5.0, action=action)

    async def _run(self, call: ToolCall, given: ActArguments, stamp: Stamp) -> ToolResult:
        await self.point("act before")
        if stamp.precondition["resource_version"] != self.versions[given.service]:
            raise StaleApprovalError(f"{given.service} has changed")
        name = f"{call.name} {given.service}"
        if name in self.refuses or f"{name} {call.args.get('workers')}" in self.refuses:
            raise ToolError("the target refuses")
        self.versions[given.service] += 1
        if isinstance(given, Scale):
            self.workers[given.service] = given.workers
        else:
            self.starts[given.service] += 1
        data: dict[str, JsonValue] = {"resource_version": self.versions[given.service]}
        self.ledger.append(Act(stamp.action_id, call, stamp.by, data))
        if name in self.loses:
            self.forgets.add(stamp.action_id)
            raise OutcomeUnknownError("the answer got lost")
        self.on_act(call)
        await self.point("act after")
        return ToolResult(status="ok", text=f"{call.name} of {given.service} is done", data=data)

    @staticmethod
    def _unscale(given: Scale, preview: Preview) -> ToolCall:
        return ToolCall(name="scale_workers", args={"service": given.service, "workers": preview.before["workers"]})


def _read(name: str, data: JsonValue) -> ToolSpec[Any]:
    async def look(given: ServiceArguments) -> ToolResult:
        return ToolResult(status="ok", text="seen", data=data)

    return ToolSpec(name=name, description=name, args=ServiceArguments, risk=Risk.READ, timeout=5.0, read=look)
