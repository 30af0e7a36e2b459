"""The Details button: everything that the decision rests on, in a modal."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.details_modal import build_details_modal
from bot.identifiers import DETAILS
from bot.listeners.click import Click
from bot.listeners.modal import open_modal
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.ports import Approvals


@dataclass(frozen=True, slots=True)
class DetailsButton:
    """Shows the row, not the message that the button stood on."""

    approvals: Approvals

    async def handle_details(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Open the modal."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            request = await self.approvals.load(click.value)
            await open_modal(client, click.trigger_id, build_details_modal(request))


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Details."""
    app.action(DETAILS)(DetailsButton(services.approvals).handle_details)
