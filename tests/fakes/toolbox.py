"""A small patient behind the ToolBox port: services with a state, scripted readings, a list of what was really done."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.approval import ApprovalRequest, ApprovalStatus, Grant
from core.audit import AuditEvent
from core.errors import ToolArgumentsError, ToolError
from core.ports import Approvals, Audit, ToolSummary
from core.risk import Risk
from core.stepped_plan import in_a_row
from core.tampering import DONE
from core.tool_call import Plan, ToolCall, ToolResult

_SERVICE = {"type": "object", "properties": {"service": {"type": "string"}}, "required": ["service"]}
READS = ("metric_query", "metric_range", "search_logs", "probe_http", "service_status", "deploy_history")
ACTS = {
    "restart_service": Risk.DISRUPTIVE,
    "rollback_deploy": Risk.DISRUPTIVE,
    "scale_workers": Risk.REVERSIBLE,
    "set_config": Risk.DISRUPTIVE,
}


class PretendToolBox:
    """Implements core.ports.ToolBox; `effects` lists (approval_id, call) of every effect, `answers` what reads give."""

    def __init__(self, services: Sequence[str] = ("front", "checkout", "payments")) -> None:
        self.services = tuple(services)
        self.effects: list[tuple[str, ToolCall]] = []
        self.reads: list[ToolCall] = []
        self.answers: dict[str, Callable[[Mapping[str, Any]], ToolResult]] = {}
        self.rollbacks: dict[str, ToolCall] = {}
        self.result = ToolResult(status="ok", text="done")
        self.on_effect: Callable[[ToolCall], None] = lambda call: None
        self.broken = ""
        self.drifts: dict[str, str] = {}
        self.rows: Approvals | None = None
        self.audit: Audit | None = None
        self._done: dict[str, ToolResult] = {}

    def summaries(self) -> Sequence[ToolSummary]:
        """Return the demo's ten tools."""
        reads = [ToolSummary(name, f"Reads: {name}", "read", _SERVICE) for name in READS]
        return [*reads, *(ToolSummary(name, f"Acts: {name}", risk.value, _SERVICE) for name, risk in ACTS.items())]

    async def read(self, call: ToolCall) -> ToolResult:
        """Answer from `answers`; a healthy service and empty metrics otherwise."""
        self.reads.append(call)
        if call.name not in READS:
            return ToolResult(status="refused", text=f"{call.name} is not a read tool")
        if call.name in self.answers:
            return self.answers[call.name](call.args)
        if call.name == "service_status":
            return ToolResult(status="ok", text="running", data={"status": "running", "version": "1.0.0", "workers": 2})
        if call.name == "probe_http":
            return ToolResult(status="ok", text="200", data={"status_code": 200})
        return ToolResult(status="no_data", text="nothing", data=None)

    async def plan(self, call: ToolCall, *then: ToolCall) -> Plan:
        """Validate the name and the service."""
        if then:
            return in_a_row([await self.plan(each) for each in (call, *then)])
        if self.broken:
            raise ToolError(self.broken)
        if call.name not in ACTS:
            raise ToolArgumentsError(f"There is no action {call.name}.")
        if call.args.get("service") not in self.services:
            raise ToolArgumentsError(f"There is no service {call.args.get('service')}.")
        return Plan(
            call=call,
            risk=ACTS[call.name],
            env="prod",
            service=str(call.args["service"]),
            precondition={"resource_version": 1},
            rollback=self.rollbacks.get(call.name),
        )

    async def drift(self, request: ApprovalRequest) -> str:
        """Return what `drifts` says of the request's service."""
        return self.drifts.get(request.plan.service, "")

    async def execute(self, request: ApprovalRequest, grant: Grant) -> ToolResult:
        """Do it once for each action id, with a fitting grant, and where `rows` says approved: as the guard, this
        believes nothing of `request` but its id."""
        if self.rows is not None and (await self.rows.load(request.id)).status is ApprovalStatus.PENDING:
            return ToolResult(status="refused", text="the row says pending")
        if grant.digest != request.digest or grant.approval_id != request.id:
            return ToolResult(status="refused", text="the grant does not fit")
        if grant.action_id in self._done:
            return self._done[grant.action_id]
        self.effects.append((request.id, request.plan.call))
        self.on_effect(request.plan.call)
        self._done[grant.action_id] = self.result
        if self.audit is not None and self.result.status == "ok":
            at = request.decided_at or request.created_at
            await self.audit.append(AuditEvent(kind=DONE, actor="guard", subject=request.id, at=at))
        return self.result

    async def settle(self, approval_id: str) -> ToolResult | None:
        """Return the result of what was done."""
        return self._done.get(f"act_{approval_id.removeprefix('apr_')}")
