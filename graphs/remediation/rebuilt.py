"""A waiting run made anew from its row in SQL, for when the checkpoints were lost with Redis."""

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Place, Proposal
from core.ids import attempt_of, remediation_id_in
from core.refusal import SUPERSEDED
from graphs.remediation.state import GRAPH_VERSION, Update

_RESULTS = {ApprovalStatus.EXECUTED: "ok", ApprovalStatus.FAILED: "failed", ApprovalStatus.SUPERSEDED: "refused"}

AS_NODE = "request_approval"
"""The node after which a run stands that waits at its gate."""

AS_NODE_THAT_RAN = "record"
"""The node after which a run stands whose action was brought to its end."""


def rebuilt(request: ApprovalRequest) -> Update:
    """Return the state of a run that has asked for this and waits, or has carried it out if the row says so; ValueError
    for a row that no run has written."""
    attempt = attempt_of(request.thread_id, request.id)
    if not attempt:
        raise ValueError(f"{request.id} is no request of {request.thread_id}")
    result = _RESULTS.get(request.status, "") if request.execute_by is not None else ""
    text = request.outcome_text if result else ""
    proposal = Proposal(
        remediation_id=remediation_id_in(request.thread_id),
        call=request.plan.call,
        place=Place(channel=request.channel, thread_ts=request.thread_ts),
        requester=request.requester,
        reason=request.reason,
        incident_id=request.incident_id,
        report_id=request.report_id,
        rollback_of=request.rollback_of,
        reopens=request.reopens,
        then=tuple(step.call for step in request.plan.then),
        covered_by=request.covered_by,
    )
    return {
        "graph_version": GRAPH_VERSION,
        "proposal": proposal.model_dump(mode="json"),
        "attempt": attempt,
        "round": 1,
        "approval_id": request.id,
        "plan": request.plan.model_dump(mode="json"),
        "refusal": "",
        "verdict": "approved" if result else "",
        "result_status": result,
        "result_text": f"{SUPERSEDED}{text}" if result == "refused" and not text.startswith(SUPERSEDED) else text,
        "outcome": "",
        "signal": "",
        "turn": "",
    }
