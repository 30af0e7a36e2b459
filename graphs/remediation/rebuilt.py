"""A waiting run made anew from its row in SQL, for when the checkpoints were lost with Redis."""

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Place, Proposal
from core.ids import approval_id_of, remediation_id_in
from graphs.remediation.state import GRAPH_VERSION, Update

_MOST = 16  # a remediation has two: the action and its rollback

AS_NODE = "request_approval"
"""The node after which a run stands that waits at its gate."""

AS_NODE_THAT_RAN = "record"
"""The node after which a run stands that has to be verified."""


def rebuilt(request: ApprovalRequest) -> Update:
    """Return the state of a run that has asked for this and waits, or has carried it out if the row says so; ValueError
    for a row that no run has written."""
    remediation_id = remediation_id_in(request.thread_id)
    ran = request.status is ApprovalStatus.EXECUTED
    proposal = Proposal(
        remediation_id=remediation_id,
        call=request.plan.call,
        place=Place(channel=request.channel, thread_ts=request.thread_ts),
        requester=request.requester,
        reason=request.reason,
        incident_id=request.incident_id,
        report_id=request.report_id,
        rollback_of=request.rollback_of,
        reopens=request.reopens,
    )
    return {
        "graph_version": GRAPH_VERSION,
        "proposal": proposal.model_dump(mode="json"),
        "attempt": _attempt(remediation_id, request.id),
        "round": 1,
        "approval_id": request.id,
        "plan": request.plan.model_dump(mode="json"),
        "refusal": "",
        "verdict": "approved" if ran else "",
        "result_status": "ok" if ran else "",
        "result_text": request.outcome_text if ran else "",
        "outcome": "",
        "signal": "",
    }


def _attempt(remediation_id: str, approval_id: str) -> int:
    for number in range(1, _MOST + 1):
        if approval_id_of(remediation_id, number) == approval_id:
            return number
    raise ValueError(f"{approval_id} is no request of {remediation_id}")
