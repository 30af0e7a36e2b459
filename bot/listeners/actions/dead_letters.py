"""The buttons on the card of an event that was given up."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import DEAD_DISCARD, DEAD_RETRY
from bot.listeners.click import Click
from bot.listeners.members import check_may_request
from bot.listeners.telling import refusals_told, tell
from bot.services import Services
from core.ports import Directory
from core.services.dead_letters import DeadLetterDesk


@dataclass(frozen=True, slots=True)
class DeadLetterButtons:
    """Members decide, guests do not; the card follows within seconds."""

    desk: DeadLetterDesk
    directory: Directory

    async def handle_retry(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Send the event on its way again."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            await check_may_request(self.directory, click.person)
            await self.desk.retry(click.value, click.person)
            await tell(client, click.person, click.place, "I try it again now.")

    async def handle_discard(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """End the event for good."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            await check_may_request(self.directory, click.person)
            await self.desk.discard(click.value, click.person)
            await tell(client, click.person, click.place, "Discarded; nothing more happens with it.")


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Try again and Discard."""
    buttons = DeadLetterButtons(services.dead_letters, services.directory)
    app.action(DEAD_RETRY)(buttons.handle_retry)
    app.action(DEAD_DISCARD)(buttons.handle_discard)
