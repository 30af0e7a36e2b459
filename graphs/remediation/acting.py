"""From a decided request to its effect: the one way there, for the runner and for the graph."""

from core.approval import ApprovalRequest, ApprovalStatus, Grant
from core.tool_call import ToolResult
from graphs.context import GraphContext
from graphs.remediation.state import Update


def grant_of(request: ApprovalRequest) -> Grant | None:
    """Return the grant that an approved row gives, None for any other row."""
    if request.status is not ApprovalStatus.APPROVED or request.execute_by is None:
        return None
    return Grant(approval_id=request.id, action_id=request.action_id, digest=request.digest, until=request.execute_by)


async def carry_out(context: GraphContext, request: ApprovalRequest) -> Update:
    """Run what was approved, or tell how that ended already; the guard believes nothing of this but the id, and the
    ledger makes it safe to repeat."""
    grant = grant_of(request)
    if grant is not None:
        result = await context.toolbox.execute(request, grant)
    else:
        # Somebody else may have brought it to its end already: then that is how it ended.
        ended = await context.toolbox.settle(request.id) if request.execute_by is not None else None
        result = ended or ToolResult(status="refused", text=f"Nothing ran: the request is {request.status.value}.")
    return {"result_status": result.status, "result_text": result.text}
