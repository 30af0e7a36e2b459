"""Files in a thread, each name once; where files are not to be had, text comes as messages instead."""

import asyncio
from collections.abc import Sequence

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import rich
from bot.blocks.budget import split
from bot.cards.faults import FAULTS, is_missing, is_passing
from bot.cards.poster import Poster
from bot.identifiers import NOTE
from core.brief import Place

_log = structlog.get_logger(__name__)
_PIECE_BYTES = 6000


class ThreadFiles:
    """Uploads beside a card; a file that the thread holds already is not sent again."""

    def __init__(self, client: AsyncWebClient, poster: Poster, pauses: Sequence[float] = (1.0, 4.0)) -> None:
        self._client = client
        self._poster = poster
        self._pauses = pauses

    async def attach_text(self, place: Place, name: str, title: str, text: str) -> None:
        """Attach text as a file, or as numbered messages when Slack takes no files."""
        if not await self._attach(place, name, title, text.encode("utf-8", "replace"), alt_text=""):
            for number, piece in enumerate(split(text, _PIECE_BYTES), 1):
                key = f"{name}#{number}"
                async with self._poster.turn(NOTE, key):
                    blocks = [rich.block(rich.preformatted(piece))]
                    await self._poster.show(NOTE, key, f"{title}, part {number}", blocks, place)

    async def attach_image(self, place: Place, name: str, title: str, png: bytes, alt_text: str) -> None:
        """Attach a picture; without files in this workspace the timeline page has it."""
        await self._attach(place, name, title, png, alt_text)

    async def holds(self, place: Place, name: str) -> bool:
        """True when a file of that name stands in the thread."""
        async for message in self._poster.messages(place):
            if any(file.get("name") == name for file in message.get("files") or []):
                return True
        return False

    async def _attach(self, place: Place, name: str, title: str, content: bytes, alt_text: str) -> bool:
        for pause in (*self._pauses, None):
            if await self.holds(place, name):
                return True
            try:
                await self._client.files_upload_v2(
                    channel=place.channel,
                    thread_ts=place.thread_ts,
                    filename=name,
                    title=title,
                    content=content,
                    alt_txt=alt_text or None,
                )
                return True
            except FAULTS as error:
                if is_missing(error):
                    return False
                if pause is None or not is_passing(error):
                    _log.warning("file_not_attached", name=name, error=str(error))
                    return False
                await asyncio.sleep(pause)
        return False
