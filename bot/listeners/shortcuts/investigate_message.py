""" "Investigate this" on any message: its words, and those of its attachments, become a question in its thread."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import INVESTIGATE_SHORTCUT
from bot.listeners.asking import Asking, Question
from bot.listeners.telling import refusals_told
from bot.listeners.wording import written
from bot.services import Services
from core.brief import Place
from core.errors import RefusedError

_ATTACHED = ("pretext", "title", "text", "fallback")


@dataclass(frozen=True, slots=True)
class InvestigateMessage:
    """The message is what is asked about; who used the shortcut is who asks."""

    asking: Asking

    async def handle_investigate_message(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Queue the question; using the shortcut again asks again."""
        await ack()
        message, person = body["message"], body["user"]["id"]
        place = Place(channel=body["channel"]["id"], thread_ts=message.get("thread_ts") or message["ts"])
        async with refusals_told(client, person, place):
            text = words_of(message)
            if not text:
                raise RefusedError("I find no words in that message.")
            asked = f"{message['ts']}/{body.get('action_ts', '')}"
            question = Question(f"Investigate this message: {text}", person, place, asked, message["ts"])
            await self.asking.ask(client, question)


def words_of(message: dict[str, Any]) -> str:
    """Return a message's text and its attachments', each once, in order."""
    parts = [message.get("text") or ""]
    for attachment in message.get("attachments") or []:
        parts += [attachment.get(key) or "" for key in _ATTACHED]
        parts += [f"{field.get('title', '')}: {field.get('value', '')}" for field in attachment.get("fields") or []]
    return "\n".join(dict.fromkeys(written(part, "") for part in parts if part.strip()))


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the shortcut."""
    asking = Asking(services.directory, services.incidents, services.queue, services.clock)
    app.shortcut(INVESTIGATE_SHORTCUT)(InvestigateMessage(asking).handle_investigate_message)
