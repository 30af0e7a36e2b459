"""The Reject button: asks for the reason first."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.reject_modal import build_reject_modal
from bot.identifiers import REJECT
from bot.listeners.click import Click
from bot.listeners.modal import open_modal
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.approval import ApprovalStatus
from core.decided import said_of
from core.errors import AlreadyDecidedError
from core.ports import Approvals, Cards


@dataclass(frozen=True, slots=True)
class RejectButton:
    """Opens the modal; the vote itself is cast when it is submitted."""

    approvals: Approvals
    cards: Cards

    async def handle_reject(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Ask why."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            request = await self.approvals.load(click.value)
            if request.status is ApprovalStatus.PENDING:
                await open_modal(client, click.trigger_id, build_reject_modal(request))
            else:
                await self.cards.show_approval(request.id)
                raise AlreadyDecidedError(f"This request is already {said_of(request.status)}; nothing was changed.")


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Reject."""
    app.action(REJECT)(RejectButton(services.approvals, services.cards).handle_reject)
