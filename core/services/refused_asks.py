"""What another system asked for and never became a request: written down, as that is what it reads when it looks."""

from core.api_client import ASK_REFUSED, client_in
from core.audit import AuditEvent
from core.ports import Audit, Clock


async def note_refused(audit: Audit, clock: Clock, requester: str, approval_id: str, why: str) -> None:
    """Write it down, once; nothing for what people or alerts asked for, who read it in their thread."""
    if not client_in(requester) or await audit.has(ASK_REFUSED, approval_id, {}):
        return
    now = clock.now()
    await audit.append(AuditEvent(kind=ASK_REFUSED, actor=requester, subject=approval_id, at=now, details={"why": why}))
