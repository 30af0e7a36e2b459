"""The buttons around grants: Approve and allow more, on a card, and Revoke, in App Home and under /ops grants."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.grants import build_grants
from bot.blocks.note import build_note
from bot.identifiers import GRANT, GRANT_REVOKE
from bot.listeners.click import Click
from bot.listeners.grant_modal import open_grant_form
from bot.listeners.home_tab import HomeTab
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.errors import RefusedError
from core.services.freeze import FreezeSwitch
from core.services.granting import Granting


@dataclass(frozen=True, slots=True)
class GrantButtons:
    """The form is only opened here; nothing is approved before it was previewed and sent."""

    granting: Granting
    tab: HomeTab
    freeze: FreezeSwitch

    async def handle_grant(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Open the form."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            await open_grant_form(self.granting, client, click.trigger_id, click.value, click.person, approve=True)

    async def handle_revoke(
        self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient, respond: AsyncRespond
    ) -> None:
        """End the grant, and show the list without it where it was pressed: App Home, or the answer of /ops grants."""
        await ack()
        click = Click.of(body)
        try:
            grant = await self.granting.revoke(click.value, click.person)
            said = f"Grant {grant.id} is revoked: it lets nothing through any more."
        except RefusedError as refusal:
            said = str(refusal)
        if click.place.channel:
            left = build_grants(await self.granting.open(), frozen=await self.freeze.frozen())
            await respond(text=said, blocks=[*build_note(f"🎫 {said}"), *left], replace_original=True)
        else:
            await self.tab.publish(client, click.person, f"🎫 {said}")


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the buttons."""
    buttons = GrantButtons(services.granting, HomeTab.of(services), services.freeze)
    app.action(GRANT)(buttons.handle_grant)
    app.action(GRANT_REVOKE)(buttons.handle_revoke)
