"""The Approve button: one vote, counted by the desk."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import APPROVE
from bot.listeners.click import Click
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.errors import AlreadyVotedError, RefusedError
from core.exact_call import fits
from core.ports import Approvals, Audit, Cards, Clock
from core.services.approval_desk import ApprovalDesk


@dataclass(frozen=True, slots=True)
class ApproveButton:
    """Casts a vote for the call that the card shows in full."""

    desk: ApprovalDesk
    approvals: Approvals
    cards: Cards
    audit: Audit
    clock: Clock

    async def handle_approve(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Vote, then show the card as it is now, whatever came of the vote."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            request = await self.approvals.load(click.value)
            try:
                await self._check_was_shown(request, click.person)
                now = await self.desk.vote(request.id, click.person, "approve")
            finally:
                await self.cards.show_approval(request.id)
            if now.status is ApprovalStatus.PENDING and now.votes == request.votes:
                raise AlreadyVotedError("You have voted on this request already; it waits for others.")

    async def _check_was_shown(self, request: ApprovalRequest, person: str) -> None:
        if fits(request.plan.call):
            return
        await self.audit.append(
            AuditEvent(
                kind="VoteRefused",
                actor=person,
                subject=request.id,
                incident_id=request.incident_id,
                at=self.clock.now(),
                details={"choice": "approve", "why": "CallNotShown"},
            )
        )
        raise RefusedError("This call is too long to be shown in full, so it cannot be approved from Slack.")


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Approve."""
    button = ApproveButton(services.desk, services.approvals, services.cards, services.audit, services.clock)
    app.action(APPROVE)(button.handle_approve)
