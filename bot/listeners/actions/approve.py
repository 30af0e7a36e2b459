"""The Approve button: one vote, counted by the desk, after the target's name was typed where that is asked for."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.confirm_modal import build_confirm_modal
from bot.identifiers import APPROVE
from bot.listeners.click import Click
from bot.listeners.modal import open_modal
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.approval import ApprovalRequest, ApprovalStatus
from core.confirmation import asks_to_type
from core.errors import AlreadyVotedError
from core.ports import Approvals, Cards
from core.services.approval_desk import ApprovalDesk

_HEAD_START = 0.05  # seconds; to draw the card takes this process as long as half the way from here to the effect


@dataclass(frozen=True, slots=True)
class ApproveButton:
    """Casts a vote for the call that the card, or the file beside it, shows in full."""

    desk: ApprovalDesk
    approvals: Approvals
    cards: Cards

    async def handle_approve(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Vote, or ask for the target's name first."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            request = await self.approvals.load(click.value)
            if request.status is ApprovalStatus.PENDING and asks_to_type(request):
                await open_modal(client, click.trigger_id, build_confirm_modal(request))
            else:
                await self.vote(request, click.person)

    async def vote(self, request: ApprovalRequest, person: str, typed: str = "") -> None:
        """Vote, then show the card as it is now, whatever came of the vote; RefusedError says why it does not count."""
        try:
            now = await self.desk.vote_on(request, person, "approve", typed=typed)
            if now.status is ApprovalStatus.APPROVED:
                await asyncio.sleep(_HEAD_START)
        finally:
            await self.cards.show_approval(request.id)
        if now.status is ApprovalStatus.PENDING and now.votes == request.votes:
            raise AlreadyVotedError("You have voted on this request already; it waits for others.")


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Approve."""
    app.action(APPROVE)(ApproveButton(services.desk, services.approvals, services.cards).handle_approve)
