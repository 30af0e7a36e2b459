"""The Ask again button on what expired or was not run: a new request, planned anew, with no vote on it."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import ASK_AGAIN
from bot.listeners.click import Click
from bot.listeners.members import check_may_request
from bot.listeners.telling import refusals_told, tell
from bot.services import Services
from core.errors import RefusedError
from core.ports import Cards, Directory
from core.services.remediation import Remediation

_TOLD = "I ask again, in your name: it is planned anew and needs new approvals."


@dataclass(frozen=True, slots=True)
class AskAgainButton:
    """Whoever presses it becomes the requester."""

    remediation: Remediation
    directory: Directory
    cards: Cards

    async def handle_ask_again(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Queue the new request."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            try:
                await check_may_request(self.directory, click.person)
                await self.remediation.ask_again(click.value, click.person)
            except RefusedError:
                await self.cards.show_approval(click.value)
                raise
            await tell(client, click.person, click.place, _TOLD)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Ask again."""
    app.action(ASK_AGAIN)(AskAgainButton(services.remediation, services.directory, services.cards).handle_ask_again)
