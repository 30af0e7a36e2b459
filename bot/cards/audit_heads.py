"""Signed heads as quiet lines in a channel, which can be copied out again for `audit verify`."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.signed_head import build_signed_head
from bot.cards.channels import ChannelBook
from bot.cards.poster import Poster
from bot.identifiers import AUDIT_HEAD
from core.audit_head import SignedHead
from core.brief import Place


class AuditHeadLines:
    """One line for each head; `name` is an id or #name. Implements bot.history_posting.HeadChannel."""

    def __init__(self, client: AsyncWebClient, name: str) -> None:
        self._poster = Poster(client)
        self._channels = ChannelBook(client, "AUDIT_CHANNEL")
        self.name = name

    async def place(self) -> Place:
        """Return the channel by its id."""
        return Place(channel=await self._channels.id_of(self.name), thread_ts="")

    async def post(self, head: SignedHead) -> bool:
        """Show the line once, whatever a crash or a lost answer hides; False where nothing can be shown."""
        place, subject = await self.place(), str(head.head)
        async with self._poster.turn(AUDIT_HEAD, subject):
            if await self._poster.find(AUDIT_HEAD, subject, place):
                return True
            # The notification's text is the line itself: it is what reading back gives.
            blocks = build_signed_head(head)
            return bool(await self._poster.show(AUDIT_HEAD, subject, str(head), blocks, place))

    async def posted(self) -> list[SignedHead]:
        """Return the heads among the channel's latest hundred messages, whoever wrote them: each is signed."""
        found: list[SignedHead] = []
        async for message in self._poster.messages(await self.place()):
            found += SignedHead.find_in(str(message.get("text", "")))
        return found
