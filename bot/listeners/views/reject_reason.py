"""The submitted reason: a rejecting vote."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import REASON_BLOCK, REASON_INPUT, REJECT_VIEW
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.brief import Place
from core.errors import NoDataError, RefusedError
from core.ports import Approvals, Cards
from core.services.approval_desk import ApprovalDesk


@dataclass(frozen=True, slots=True)
class RejectReason:
    """Casts the vote in the name of whoever submitted; the modal's private_metadata is the request's id."""

    desk: ApprovalDesk
    approvals: Approvals
    cards: Cards

    async def handle_reason_given(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Reject, then show the card as it is now."""
        await ack()
        view, person = body["view"], body["user"]["id"]
        approval_id = view.get("private_metadata") or ""
        reason = (view["state"]["values"][REASON_BLOCK][REASON_INPUT].get("value") or "").strip()
        async with refusals_told(client, person, await self._place(approval_id)):
            if not reason:
                raise RefusedError("A rejection needs a reason; nothing was decided.")
            try:
                await self.desk.vote(approval_id, person, "reject", reason[:1000])
            finally:
                await self.cards.show_approval(approval_id)

    async def _place(self, approval_id: str) -> Place:
        try:
            request = await self.approvals.load(approval_id)
        except NoDataError:
            return Place(channel="", thread_ts="")
        return Place(channel=request.channel, thread_ts=request.thread_ts)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the reject modal."""
    app.view(REJECT_VIEW)(RejectReason(services.desk, services.approvals, services.cards).handle_reason_given)
