"""@watchkeeper: a mention in a thread is answered there, one outside starts a thread."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.asking import Asking, Question
from bot.listeners.telling import refusals_told, tell
from bot.listeners.wording import written
from bot.services import Services
from core.brief import Place

_EMPTY = "Ask me something, such as “why is checkout slow?”, or see `/ops help`."


@dataclass(frozen=True, slots=True)
class Mention:
    """Takes what was said to us in a channel."""

    asking: Asking

    async def handle_mention(self, event: dict[str, Any], client: AsyncWebClient, context: AsyncBoltContext) -> None:
        """Queue the question; edits and other bots' words are not questions."""
        if event.get("bot_id") or event.get("edited") or not event.get("user"):
            return
        place = Place(channel=event["channel"], thread_ts=event.get("thread_ts") or event["ts"])
        text = written(event.get("text") or "", context.bot_user_id or "")
        async with refusals_told(client, event["user"], place):
            if text:
                await self.asking.ask(client, Question(text, event["user"], place, event["ts"], event["ts"]))
            else:
                await tell(client, event["user"], place, _EMPTY)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to mentions."""
    asking = Asking(services.directory, services.incidents, services.queue, services.clock)
    app.event("app_mention")(Mention(asking).handle_mention)
