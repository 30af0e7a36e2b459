"""App Home: what waits for this person, and what is broken."""

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.home import build_home
from bot.listeners.links import card_link
from bot.listeners.members import waits_for
from bot.services import Services
from core.ports import ApprovalQueue, Directory, Incidents

_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Home:
    """Renders the tab anew each time it is opened."""

    approval_queue: ApprovalQueue
    incidents: Incidents
    directory: Directory

    async def handle_home_opened(self, event: dict[str, Any], client: AsyncWebClient) -> None:
        """Publish the tab for whoever opened it."""
        if event.get("tab") != "home":
            return
        person = event["user"]
        pending = list(await self.approval_queue.pending())[:_SHOWN]
        mine = await asyncio.gather(*(waits_for(self.directory, request, person) for request in pending))
        incidents = list(await self.incidents.open())[:_SHOWN]
        links = await asyncio.gather(
            *(card_link(client, request.channel, request.card_ts) for request in pending),
            *(card_link(client, incident.channel, incident.thread_ts) for incident in incidents),
        )
        view = build_home(
            mine=[pair for pair, own in zip(zip(pending, links, strict=False), mine, strict=True) if own],
            others=[pair for pair, own in zip(zip(pending, links, strict=False), mine, strict=True) if not own],
            incidents=list(zip(incidents, links[len(pending) :], strict=True)),
        )
        await client.views_publish(user_id=person, view=view)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the Home tab."""
    home = Home(services.approval_queue, services.incidents, services.directory)
    app.event("app_home_opened")(home.handle_home_opened)
