"""May this call be proposed? It must exist, be more than a read, be valid now, and not be asked for already."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Brief
from core.errors import NoDataError, ToolError
from core.evidence import Report
from core.ids import approval_id_of, incident_thread_id, remediation_id_of
from core.incident import Incident
from core.objection import Objection, objections_in
from core.risk import Risk
from core.stepped_plan import steps_of
from core.tool_call import ToolCall
from graphs.context import GraphContext
from graphs.wording import call_text

_ON_ITS_WAY = timedelta(minutes=2)


async def objections(context: GraphContext, brief: Brief) -> tuple[Objection, ...]:
    """Return what people had against the calls proposed in this incident, or in this conversation."""
    if brief.incident_id is not None:
        return objections_in(await context.approval_queue.of(incident_id=brief.incident_id))
    found: list[ApprovalRequest] = []
    for report in await context.reports.of_thread(brief.thread_id):
        found += await context.approval_queue.of(report_id=report.id)
    return objections_in(found)


async def why_not(
    context: GraphContext, call: ToolCall, against: Sequence[Objection] = (), then: Sequence[ToolCall] = ()
) -> str:
    """Return why this call (with the steps after it) cannot be proposed, or nothing; changes nothing. Whoever proposes
    it, and whatever they were told: nothing that somebody had something against comes again."""
    risks = {summary.name: summary.risk for summary in context.toolbox.summaries()}
    for step in (call, *then):
        if step.name not in risks:
            return f"there is no tool {step.name}"
        if risks[step.name] == Risk.READ.value:
            return f"{step.name} only reads and needs no approval"
    try:
        plan = await context.toolbox.plan(call, *then)
    except ToolError as error:
        return str(error)
    for each in against:
        if any(each.forbids(step) for step in steps_of(plan)):
            how = "put another call in its place" if each.kind == "edited" else "rejected it"
            return f"it was proposed here already, and a person {how}"
    return ""


class Elsewhere(NamedTuple):
    """Where a call is asked for already: a sentence, and the id of the request or incident whose card it stands on."""

    note: str
    id: str


async def asked_elsewhere(context: GraphContext, brief: Brief, call: ToolCall, service: str) -> Elsewhere | None:
    """Return where this call is asked for already, or who else will ask for it; None when it is ours to ask."""
    waiting = f"{call_text(call)} is proposed already and waits for a decision."
    for request in await context.approval_queue.pending():
        if _same(call, request.plan.call):
            return Elsewhere(waiting, request.id)
    others = [incident for incident in await context.incidents.open() if incident.id != brief.incident_id]
    for thread_id in dict.fromkeys([brief.thread_id, *(incident_thread_id(other.id) for other in others)]):
        for report in await context.reports.of_thread(thread_id):
            if report.proposal == call and await _still_open(context, report):
                return Elsewhere(waiting, _request_of(report))
    if brief.question:
        return None
    for other in others:
        if other.service == service and await _will_propose(context, other):
            return Elsewhere(f"The incident of {service} itself carries the proposal.", other.id)
    return None


def _same(call: ToolCall, planned: ToolCall) -> bool:
    """True when the planned call is this one; a plan also spells out what the call left to defaults."""
    return call.name == planned.name and call.args.items() <= planned.args.items()


def _request_of(report: Report) -> str:
    return approval_id_of(remediation_id_of(report.id), 1)


async def _still_open(context: GraphContext, report: Report) -> bool:
    try:
        request = await context.approvals.load(_request_of(report))
    except NoDataError:
        return context.clock.now() - report.finished_at < _ON_ITS_WAY
    return request.status in (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)


async def _will_propose(context: GraphContext, incident: Incident) -> bool:
    reports = await context.reports.of_thread(incident_thread_id(incident.id))
    return not reports or any(report.proposal is not None for report in reports)
