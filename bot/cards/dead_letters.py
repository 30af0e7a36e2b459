"""The operators' cards for what was given up, in the incident channel."""

from collections.abc import Sequence

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.dead_letter_card import build_dead_letter_card, dead_letter_text, many_text
from bot.blocks.note import build_note
from bot.cards.channels import ChannelBook
from bot.cards.poster import Poster
from bot.identifiers import DEAD_LETTER_CARD
from core.brief import Place
from core.dead_letter import DeadLetter


class DeadLetterCards:
    """One card for each letter; `channel` is an id or #name."""

    def __init__(self, client: AsyncWebClient, channel: str) -> None:
        self._poster = Poster(client)
        self._channels = ChannelBook(client)
        self._channel = channel

    async def show(self, letter: DeadLetter) -> None:
        """Post or refresh the letter's card; the end of one that has no card any more is not worth a new one."""
        place = await self._place()
        async with self._poster.turn(DEAD_LETTER_CARD, letter.id):
            ts = await self._poster.find(DEAD_LETTER_CARD, letter.id, place)
            if letter.status == "dead" or ts:
                text, blocks = dead_letter_text(letter), build_dead_letter_card(letter)
                facts = {"status": letter.status}
                await self._poster.show(DEAD_LETTER_CARD, letter.id, text, blocks, place, ts, facts)

    async def show_many(self, letters: Sequence[DeadLetter]) -> None:
        """Post one message for all of them."""
        place, text = await self._place(), many_text(letters)
        subject = f"many:{letters[0].id}:{letters[0].ended_at}"
        async with self._poster.turn(DEAD_LETTER_CARD, subject):
            await self._poster.show(DEAD_LETTER_CARD, subject, text, build_note(text), place)

    async def _place(self) -> Place:
        return Place(channel=await self._channels.id_of(self._channel), thread_ts="")
