"""App Home: what waits for this person, what is broken, and whether anything may be changed."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.home_tab import HomeTab
from bot.services import Services


@dataclass(frozen=True, slots=True)
class Home:
    """Renders the tab anew each time it is opened."""

    tab: HomeTab

    async def handle_home_opened(self, event: dict[str, Any], client: AsyncWebClient) -> None:
        """Publish the tab for whoever opened it."""
        if event.get("tab") == "home":
            await self.tab.publish(client, event["user"])


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the Home tab."""
    app.event("app_home_opened")(Home(HomeTab.of(services)).handle_home_opened)
