"""Did it help? The signals that it was about are asked again, and the service has to be well besides."""

import asyncio
from datetime import timedelta
from typing import Literal

from core.approval import ApprovalRequest
from core.errors import NoDataError
from core.ports import ToolBox
from core.tool_call import ToolCall
from graphs.context import GraphContext
from graphs.remediation.signals import Aim, Look, aim_of, incident_signal

_STEADY = 3


async def watch(
    context: GraphContext, request: ApprovalRequest
) -> tuple[Literal["helped", "did_not_help", "not_verified"], str]:
    """Look until the signals of what ran were quiet three times in a row or `verify_within` is over; returns the
    outcome and why.

    Three in a row, because a service that is just restarting reports nothing at all, and nothing looks like quiet.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + context.verify_within / timedelta(seconds=1)
    report = await context.reports.load(request.report_id) if request.report_id else None
    before = request.decided_at or request.created_at
    aim = aim_of(request.plan.service, report, before, context.config.services)
    steady, seen, last = 0, False, Look(None, "no look succeeded")
    while True:
        last = await _look(context, request, aim)
        seen = seen or last.quiet is not None
        steady = steady + 1 if last.quiet else 0
        if steady >= _STEADY:
            return "helped", last.text
        if loop.time() >= deadline:
            return ("did_not_help" if seen else "not_verified"), last.text
        await asyncio.sleep(context.verify_every / timedelta(seconds=1))


async def _look(context: GraphContext, request: ApprovalRequest, aim: Aim) -> Look:
    health = await service_health(context.toolbox, request.plan.service)
    # A rollback restores what was before; the alert that the first action did not cure says nothing about it.
    if request.incident_id is None or request.rollback_of is not None or not health.quiet:
        return health
    try:
        incident = await context.incidents.load(request.incident_id)
    except NoDataError:
        return health
    signal = await incident_signal(context.toolbox, incident, aim)
    return Look(signal.quiet, f"{signal.text}; {health.text}") if signal.quiet else signal


async def service_health(toolbox: ToolBox, service: str) -> Look:
    """Return quiet when the service is running and its health route answers 200."""
    status, probe = await asyncio.gather(
        toolbox.read(ToolCall(name="service_status", args={"service": service})),
        toolbox.read(ToolCall(name="probe_http", args={"service": service})),
    )
    facts = status.data if status.status == "ok" and isinstance(status.data, dict) else {}
    answer = probe.data if probe.status == "ok" and isinstance(probe.data, dict) else {}
    if not facts and not answer:
        return Look(None, f"neither the status nor the health route of {service} could be read")
    if facts and facts.get("status") != "running":
        return Look(False, f"{service} is {facts.get('status')}")
    if answer and answer.get("status_code") != 200:
        return Look(False, f"the health route of {service} answers {answer.get('status_code')}")
    if not answer and probe.status == "failed":
        return Look(False, f"the health route of {service} does not answer")
    return Look(True, f"{service} is running and healthy")
