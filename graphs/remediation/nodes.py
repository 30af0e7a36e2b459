"""The steps of a remediation: each decides, or has one effect, or waits."""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Proposal
from core.errors import PolicyDeniedError, RefusedError, ToolError
from core.ids import approval_id_of, remediation_thread_id
from core.refusal import spoken
from core.services.endings import end_key, last_key
from core.services.known_bad import VERIFIED
from core.services.refused_asks import note_refused
from core.services.remediation_rows import rows_of
from core.stepped_plan import is_stepped, standing, steps_of, what_stands, whole_undo
from core.tool_call import Plan, ToolResult
from graphs.context import GraphContext
from graphs.remediation.acting import carry_out
from graphs.remediation.state import RemediationState, Update
from graphs.remediation.verification import watch
from graphs.wording import call_text


async def plan_call(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Work out what exactly would run; clears what an earlier attempt left in the state."""
    proposal = Proposal.model_validate(state["proposal"])
    fresh: Update = {
        "approval_id": approval_id_of(proposal.remediation_id, state["attempt"]),
        "plan": {},
        "refusal": "",
        "verdict": "",
        "result_status": "",
        "result_text": "",
        "outcome": "",
        "signal": "",
        "turn": "",
    }
    try:
        if proposal.covered_by:
            thread_id = remediation_thread_id(proposal.remediation_id)
            plan = await runtime.context.steps.plan(proposal, str(fresh["approval_id"]), thread_id)
        else:
            plan = await runtime.context.toolbox.plan(proposal.call, *proposal.then)
    except (ToolError, RefusedError) as error:
        fresh["refusal"] = f"I cannot prepare {call_text(proposal.call)}: {error}"
        return fresh
    fresh["plan"] = plan.model_dump(mode="json")
    return fresh


async def request_approval(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Write the request's row, then its card; the same id finds the same row when this runs again."""
    context, proposal = runtime.context, Proposal.model_validate(state["proposal"])
    ask = context.steps.cover if proposal.covered_by else context.desk.request
    try:
        request = await ask(
            state["approval_id"],
            Plan.model_validate(state["plan"]),
            proposal,
            remediation_thread_id(proposal.remediation_id),
        )
    except PolicyDeniedError as denied:
        return {"refusal": str(denied)}
    await context.cards.show_approval(request.id)
    # The row's plan is what people see and what will run; after a crash it may be older than the one planned just now.
    return {"plan": request.plan.model_dump(mode="json")}


async def explain(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Say why nothing was asked for: in the thread, and to another system that did."""
    proposal, context = Proposal.model_validate(state["proposal"]), runtime.context
    why = state.get("refusal") or "Nothing could be proposed."
    await note_refused(context.audit, context.clock, proposal.requester, state["approval_id"], why)
    key = f"{state['approval_id']}:refused:{state.get('round', 1)}"
    await context.cards.say(proposal.place, f"{why}{await _left(state, context)}", key=key)
    return {}


async def close(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Show a request that was not approved as what it is; nothing was run, and of a plan what was done before stays."""
    context, proposal = runtime.context, Proposal.model_validate(state["proposal"])
    await context.cards.show_approval(state["approval_id"])
    left, call = await _left(state, context), call_text(proposal.call)
    if state.get("verdict") == ApprovalStatus.TAMPERED.value:
        await context.endings.alarm(state["approval_id"], proposal.place, proposal.incident_id, call, left)
    elif left:
        said = f"{call} was not approved, so the plan ends here.{left} Undo is on the card of what was done."
        await context.cards.say(proposal.place, said, key=end_key(state["approval_id"]))
    return {}


async def _left(state: RemediationState, context: GraphContext) -> str:
    """Return what stands of a plan that does not go on, as a sentence that follows another; empty when nothing does."""
    thread_id = remediation_thread_id(Proposal.model_validate(state["proposal"]).remediation_id)
    rows = await rows_of(context.approvals, thread_id) if state["attempt"] > 1 else []
    return f" {what_stands(rows)}" if is_stepped(rows) and standing(rows) else ""


async def execute(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Run what was approved, where the verdict has come without an outcome: to a run that was made anew."""
    return await carry_out(runtime.context, await runtime.context.approvals.load(state["approval_id"]))


async def record(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Write how it ended on the row and on the card; an executed rollback also ends the request it undoes."""
    context, undone = runtime.context, Proposal.model_validate(state["proposal"]).rollback_of
    await context.endings.write(state["approval_id"], undone, state["result_status"], state["result_text"])
    return {}


async def verify(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Watch the signals that this was about until they are quiet or the patience ends."""
    request = await runtime.context.approvals.load(state["approval_id"])
    outcome, signal = await watch(runtime.context, request)
    return {"outcome": outcome, "signal": signal}


async def announce(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Tell the thread how it ended, refresh the cards and note it."""
    context, proposal = runtime.context, Proposal.model_validate(state["proposal"])
    outcome = state.get("outcome", "")
    await context.audit.append(
        AuditEvent(
            kind=VERIFIED if outcome else "RemediationEnded",
            actor="watchkeeper",
            subject=state["approval_id"],
            incident_id=proposal.incident_id,
            at=context.clock.now(),
            details={"outcome": outcome or state.get("result_status", ""), "signal": state.get("signal", "")},
        )
    )
    await context.cards.show_approval(state["approval_id"])
    if proposal.incident_id is not None:
        await context.cards.show_incident(proposal.incident_id)
    approval_id, incident_id, undoes = state["approval_id"], proposal.incident_id, proposal.rollback_of
    result = ToolResult.model_validate({"status": state["result_status"] or "unknown", "text": state["result_text"]})
    call, place = call_text(proposal.call), proposal.place
    if not await context.endings.call_human(approval_id, undoes, place, incident_id, call, result):
        key = await last_key(context.audit, approval_id, place, incident_id)
        rows = await rows_of(context.approvals, remediation_thread_id(proposal.remediation_id))
        await context.cards.say(place, _ending(state, proposal, rows), key=key)
    return {}


def _ending(state: RemediationState, proposal: Proposal, rows: Sequence[ApprovalRequest]) -> str:
    call, result, signal = call_text(proposal.call), state.get("result_text", ""), state.get("signal", "")
    if is_stepped(rows):
        call = f"The plan of {len(steps_of(rows[0].plan))} steps"
        if rows[0].rollback_of is None and rows[-1].rollback_of is not None:
            call, signal = "The undo of the plan's steps", f"{signal}. {what_stands(rows)}"
    match state.get("result_status"), state.get("outcome"):
        case "ok", "helped" if proposal.incident_id is None or proposal.rollback_of is not None:
            return f"{call} is done: {signal}"  # nothing was to be helped
        case "ok", "helped":
            return f"{call} helped: {signal}"
        case "ok", "did_not_help":
            return f"{call} ran, but it did not help: {signal}"
        case "ok", _:
            return f"{call} ran. I could not verify whether it helped: {signal}"
        case "refused", _:
            return f"{call} was not run. {spoken(result)}"
        case _:
            return f"{call} failed. {result}"


async def next_step(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Turn to the step after the one that was done."""
    context, proposal = runtime.context, Proposal.model_validate(state["proposal"])
    request = await context.approvals.load(state["approval_id"])
    after = await context.steps.next(proposal, request)
    return {"proposal": after.model_dump(mode="json"), "attempt": state["attempt"] + 1, "turn": "step"}


async def unwind(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Turn to the undo of the newest step that stands, as a later one failed; or to nothing, when none is left."""
    proposal = Proposal.model_validate(state["proposal"])
    found = await runtime.context.steps.undo(proposal, remediation_thread_id(proposal.remediation_id))
    if found is None:
        return {"turn": ""}
    back, attempt = found
    return {"proposal": back.model_dump(mode="json"), "attempt": attempt, "turn": "undo"}


async def propose_rollback(state: RemediationState, runtime: Runtime[GraphContext]) -> Update:
    """Turn to the undo that was planned before, of all steps in reverse: a new request with its own votes."""
    context, proposal = runtime.context, Proposal.model_validate(state["proposal"])
    found = whole_undo(await rows_of(context.approvals, remediation_thread_id(proposal.remediation_id)))
    if found is None:
        return {"turn": ""}
    newest, calls = found
    warning = await context.known_bad.warning(calls[0], proposal.incident_id, proposal.report_id)
    what = call_text(proposal.call) if len(calls) == 1 else f"the {len(calls)} steps"
    reason = f"Undo {what}, which did not help: {state.get('signal', '')}"
    again = proposal.model_copy(
        update={
            "call": calls[0],
            "then": calls[1:],
            "rollback_of": newest.id,
            "covered_by": None,
            "reopens": None,
            "reason": f"⚠️ {warning} {reason}" if warning else reason,
        }
    )
    return {"proposal": again.model_dump(mode="json"), "attempt": state["attempt"] + 1, "turn": "undo"}
