"""The requests of one remediation: each step, and each undo of one, is a request of its own."""

from core.approval import ApprovalRequest
from core.errors import NoDataError
from core.ids import MOST_ATTEMPTS, approval_id_of, remediation_id_in
from core.ports import Approvals


async def rows_of(approvals: Approvals, thread_id: str) -> list[ApprovalRequest]:
    """Return all requests of a remediation, oldest first."""
    rows: list[ApprovalRequest] = []
    for number in range(1, MOST_ATTEMPTS + 1):
        try:
            rows.append(await approvals.load(approval_id_of(remediation_id_in(thread_id), number)))
        except NoDataError:
            break
    return rows
