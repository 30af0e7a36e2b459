"""Messages without a mention: direct ones, and follow-ups in threads that are ours."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.queue import QUEUE_WORDS, build_queue, queue_text
from bot.cards.poster import Poster
from bot.identifiers import NOTE
from bot.listeners.asking import Asking, Question
from bot.listeners.members import check_may_ask
from bot.listeners.pending import Pending
from bot.listeners.telling import refusals_told
from bot.listeners.wording import mentioned, written
from bot.services import Services
from core.brief import Place
from core.ids import conversation_thread_id
from core.ports import Incidents, Reports

_FROM_PEOPLE = {None, "file_share", "thread_broadcast"}


@dataclass(frozen=True, slots=True)
class Message:
    """Tells what is meant for us from what people say to each other."""

    asking: Asking
    incidents: Incidents
    reports: Reports
    pending: Pending
    poster: Poster

    async def handle_message(self, event: dict[str, Any], client: AsyncWebClient, context: AsyncBoltContext) -> None:
        """Queue the question, if it is one; edits and deletions never run anything again."""
        if event.get("subtype") not in _FROM_PEOPLE or event.get("bot_id") or not event.get("user"):
            return
        direct = event.get("channel_type") == "im"
        place = Place(channel=event["channel"], thread_ts=event.get("thread_ts") or event["ts"])
        text = written(event.get("text") or "", context.bot_user_id or "")
        if direct and text.lower() in QUEUE_WORDS:
            async with refusals_told(client, event["user"], place):
                await self._show_queue(event, place, client)
            return
        if text and (direct or await self._is_follow_up(event, place)):
            async with refusals_told(client, event["user"], place):
                question = Question(text, event["user"], place, event["ts"], event["ts"], direct)
                await self.asking.ask(client, question)

    async def _show_queue(self, event: dict[str, Any], place: Place, client: AsyncWebClient) -> None:
        """Answer under the message; the same message delivered twice is answered once."""
        person, key = event["user"], f"queue:{event['channel']}:{event['ts']}"
        await check_may_ask(self.asking.directory, person)
        mine, _ = await self.pending.of(person, client)
        groups = [await self.pending.groups_of(request, person) for request, _ in mine]
        blocks = build_queue(list(zip(mine, groups, strict=True)))
        async with self.poster.turn(NOTE, key):
            await self.poster.show(NOTE, key, queue_text(len(mine)), blocks, place)

    async def _is_follow_up(self, event: dict[str, Any], place: Place) -> bool:
        # A mention of us comes as app_mention too; a mention of somebody else is not for us.
        if not event.get("thread_ts") or mentioned(event.get("text") or ""):
            return False
        if await self.incidents.at(place.channel, place.thread_ts):
            return True
        return bool(await self.reports.of_thread(conversation_thread_id(place.channel, place.thread_ts)))


def register(app: AsyncApp, services: Services) -> None:
    """Listen to messages."""
    asking = Asking(services.directory, services.incidents, services.queue, services.clock)
    pending = Pending.of_services(services)
    message = Message(asking, services.incidents, services.reports, pending, Poster(app.client))
    app.event("message")(message.handle_message)
