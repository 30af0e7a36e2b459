"""Opening the form of a grant: from the card, together with an approval, or from /ops, for itself."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.grants import build_grant_form
from bot.grant_form import fields_of
from bot.listeners.modal import open_modal
from core.approval import ApprovalStatus
from core.decided import said_of
from core.errors import AlreadyDecidedError, NoDataError, RefusedError
from core.services.granting import Granting


async def open_grant_form(
    granting: Granting, client: AsyncWebClient, trigger_id: str, approval_id: str, person: str, *, approve: bool
) -> None:
    """Open it; RefusedError for whoever may not, and for what cannot be approved ahead."""
    try:
        request = await granting.approvals.load(approval_id)
    except NoDataError as unknown:
        raise RefusedError(f"I know no request {approval_id[:40]}.") from unknown
    if approve and request.status is not ApprovalStatus.PENDING:
        raise AlreadyDecidedError(f"This request is already {said_of(request.status)}; nothing was changed.")
    right = await granting.bounds(request, person)
    form = build_grant_form(request, fields_of(request.plan), right, approve=approve)
    await open_modal(client, trigger_id, form)
