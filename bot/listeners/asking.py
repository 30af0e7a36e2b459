"""A question becomes a job; the person sees at once that it was heard."""

from dataclasses import dataclass

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.faults import FAULTS, code_of
from bot.listeners.members import check_may_ask
from core.brief import Place
from core.errors import RefusedError
from core.event import Event
from core.ids import conversation_thread_id, incident_thread_id
from core.ports import Clock, Directory, Incidents, Queue

_log = structlog.get_logger(__name__)
_MAX_CHARACTERS = 4000
_OUTSIDE = {"not_in_channel", "channel_not_found", "is_archived"}


@dataclass(frozen=True, slots=True)
class Question:
    """Words that somebody wrote to us; `message_ts` makes the answer's id, `heard_at` is the message to react to."""

    text: str
    requester: str
    place: Place
    message_ts: str
    heard_at: str
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """The way in for mentions, direct messages, follow-ups, /ops ask and the shortcut."""

    directory: Directory
    incidents: Incidents
    queue: Queue
    clock: Clock

    async def ask(self, client: AsyncWebClient, question: Question) -> None:
        """Queue the question (safe to repeat) and show that it was heard; RefusedError for outsiders."""
        await check_may_ask(self.directory, question.requester)
        await self._show_heard(client, question)
        place = question.place
        incident = await self.incidents.at(place.channel, place.thread_ts)
        thread = conversation_thread_id(place.channel, place.thread_ts)
        await self.queue.put(
            Event(
                id=f"ask:{place.channel}:{question.message_ts}",
                kind="job.ask",
                key=incident_thread_id(incident.id) if incident else thread,
                body={
                    "question": question.text[:_MAX_CHARACTERS],
                    "requester": question.requester,
                    "channel": place.channel,
                    "thread_ts": place.thread_ts,
                    "message_ts": question.message_ts,
                },
                received_at=self.clock.now(),
            )
        )

    async def _show_heard(self, client: AsyncWebClient, question: Question) -> None:
        channel = question.place.channel
        try:
            await client.reactions_add(channel=channel, timestamp=question.heard_at, name="eyes")
        except FAULTS as error:
            if code_of(error) in _OUTSIDE:
                raise RefusedError("I am not in that channel. Invite me there, then ask again.") from error
            if code_of(error) != "already_reacted":
                _log.info("reaction_not_possible", error=str(error))
        if question.direct:
            await _set_status(client, channel, question.place.thread_ts)


async def _set_status(client: AsyncWebClient, channel: str, thread_ts: str) -> None:
    try:
        await client.assistant_threads_setStatus(
            channel_id=channel, thread_ts=thread_ts, status="is looking into it", loading_messages=["Looking into it"]
        )
    except FAULTS as error:
        # A courtesy that many plans and workspaces do not have.
        _log.debug("status_not_possible", error=str(error))
