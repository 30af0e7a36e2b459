"""The Undo button: asks for the rollback as a new request; where policy says so, the click is its approval."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import UNDO
from bot.listeners.click import Click
from bot.listeners.members import check_may_request
from bot.listeners.telling import refusals_told, tell
from bot.services import Services
from core.ports import Directory
from core.services.remediation import Remediation

_TOLD = "The undo is on its way as a request of its own: its card says whether it still needs an approval."


@dataclass(frozen=True, slots=True)
class UndoButton:
    """Whoever presses it becomes the requester."""

    remediation: Remediation
    directory: Directory

    async def handle_undo(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Queue the rollback."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            await check_may_request(self.directory, click.person)
            await self.remediation.undo(click.value, click.person)
            await tell(client, click.person, click.place, _TOLD)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Undo."""
    app.action(UNDO)(UndoButton(services.remediation, services.directory).handle_undo)
