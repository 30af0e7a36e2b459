"""From an incident's audit rows to the requests they speak of; SQL keeps the order."""

from core.approval import ApprovalRequest
from core.errors import NoDataError
from core.ports import Approvals, Audit


async def approvals_of_incident(audit: Audit, approvals: Approvals, incident_id: str) -> list[ApprovalRequest]:
    """Return the incident's approval requests, oldest first."""
    events = await audit.of_incident(incident_id)
    subjects = dict.fromkeys(event.subject for event in events if event.kind == "ApprovalRequested")
    requests: list[ApprovalRequest] = []
    for subject in subjects:
        try:
            requests.append(await approvals.load(subject))
        except NoDataError:
            continue
    return requests
