"""Did it help? The signal that raised the alarm is asked again, and the service has to be well besides."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, NamedTuple

from core.alert import AlertStatus
from core.brief import Proposal
from core.errors import NoDataError
from core.incident import Incident, IncidentStatus
from core.ports import ToolBox
from core.tool_call import ToolCall
from graphs.context import GraphContext

_STEADY = 3


class Look(NamedTuple):
    """One look at the signal: None for quiet means that it could not be seen."""

    quiet: bool | None
    text: str


async def watch(
    context: GraphContext, proposal: Proposal, service: str
) -> tuple[Literal["helped", "did_not_help", "not_verified"], str]:
    """Look until the signal was quiet three times in a row or `verify_within` is over; returns the outcome and why.

    Three in a row, because a service that is just restarting reports nothing at all, and nothing looks like quiet.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + context.verify_within / timedelta(seconds=1)
    steady, seen, last = 0, False, Look(None, "no look succeeded")
    while True:
        last = await _look(context, proposal, service)
        seen = seen or last.quiet is not None
        steady = steady + 1 if last.quiet else 0
        if steady >= _STEADY:
            return "helped", last.text
        if loop.time() >= deadline:
            return ("did_not_help" if seen else "not_verified"), last.text
        await asyncio.sleep(context.verify_every / timedelta(seconds=1))


async def _look(context: GraphContext, proposal: Proposal, service: str) -> Look:
    health = await service_health(context.toolbox, service)
    # A rollback restores what was before; the alert that the first action did not cure says nothing about it.
    if proposal.incident_id is None or proposal.rollback_of is not None or not health.quiet:
        return health
    try:
        incident = await context.incidents.load(proposal.incident_id)
    except NoDataError:
        return health
    signal = await incident_signal(context.toolbox, incident)
    return Look(signal.quiet, f"{signal.text}; {health.text}") if signal.quiet else signal


async def incident_signal(toolbox: ToolBox, incident: Incident) -> Look:
    """Return quiet when all alerts are resolved, or when no firing alert's expression gives a result any more."""
    firing = [alert for alert in incident.alerts if alert.status is AlertStatus.FIRING]
    if incident.status is IncidentStatus.RESOLVED or not firing:
        return Look(True, "every alert of the incident is resolved")
    blind = [alert.name for alert in firing if not alert.expr]
    if blind:
        return Look(False, f"{_names(blind)} still firing")
    results = await asyncio.gather(
        *(toolbox.read(ToolCall(name="metric_query", args={"query": alert.expr})) for alert in firing)
    )
    unseen = [
        alert.name for alert, result in zip(firing, results, strict=True) if result.status in ("failed", "refused")
    ]
    if unseen:
        return Look(None, f"the expression of {_names(unseen)} could not be evaluated")
    loud = [
        alert.name
        for alert, result in zip(firing, results, strict=True)
        if result.status == "ok" and (not isinstance(result.data, dict) or result.data.get("result"))
    ]
    if loud:
        return Look(False, f"the expression of {_names(loud)} still holds")
    return Look(True, f"the expression of {_names([alert.name for alert in firing])} no longer holds")


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


def _names(names: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(names))
