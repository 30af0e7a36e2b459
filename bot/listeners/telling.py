"""A sentence for one person's eyes: ephemeral where they are, a direct message where that is not possible."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.note import build_note, note_text
from bot.cards.faults import FAULTS, is_passing
from core.brief import Place
from core.errors import NoDataError, RefusedError

_log = structlog.get_logger(__name__)


async def tell(client: AsyncWebClient, person: str, place: Place, text: str) -> None:
    """Show the sentence to that person only."""
    if place.channel:
        try:
            await client.chat_postEphemeral(
                channel=place.channel,
                user=person,
                thread_ts=place.thread_ts or None,
                text=note_text(text),
                blocks=build_note(text, mentions=True),
            )
            return
        except FAULTS as error:
            if is_passing(error):
                raise
            _log.info("ephemeral_not_possible", channel=place.channel, error=str(error))
    opened = await client.conversations_open(users=person)
    channel = str((opened.get("channel") or {}).get("id"))
    await client.chat_postMessage(
        channel=channel,
        text=note_text(text),
        blocks=build_note(text, mentions=True),
        unfurl_links=False,
        unfurl_media=False,
    )


@asynccontextmanager
async def refusals_told(client: AsyncWebClient, person: str, place: Place) -> AsyncIterator[None]:
    """Turn a refusal into a sentence for the person who caused it."""
    try:
        yield
    except NoDataError:
        # An id that we never gave out, or a row of another installation.
        await tell(client, person, place, "I do not know this request.")
    except RefusedError as refusal:
        _log.info("refused", person=person, why=type(refusal).__name__)
        await tell(client, person, place, str(refusal))
