"""What waits for a decision, as one person sees it: theirs first, each with the way to its card."""

import asyncio
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.home import Linked
from bot.cards.card_links import card_link
from bot.listeners.members import groups_of, waits_for
from bot.services import Services
from core.approval import ApprovalRequest
from core.ports import ApprovalQueue, Directory
from core.services.grant_book import GrantBook


@dataclass(frozen=True, slots=True)
class Pending:
    """Reads the rows anew each time; who may decide is only a hint here, the desk says so."""

    approval_queue: ApprovalQueue
    directory: Directory
    book: GrantBook

    @classmethod
    def of_services(cls, services: Services) -> "Pending":
        """Return it for the worker's services."""
        return cls(services.approval_queue, services.directory, services.granting.book)

    async def of(self, person: str, client: AsyncWebClient, most: int = 30) -> tuple[list[Linked], list[Linked]]:
        """Return what waits for that person and what waits for others, oldest first, at most `most` together."""
        pending = [await self.book.counted(each) for each in await self.approval_queue.pending()]
        own = await asyncio.gather(*(waits_for(self.directory, each, person) for each in pending))
        mine = [each for each, is_own in zip(pending, own, strict=True) if is_own]
        others = [each for each, is_own in zip(pending, own, strict=True) if not is_own]
        shown = [*mine, *others][:most]
        links = await asyncio.gather(*(card_link(client, each.channel, each.card_ts) for each in shown))
        rows = list(zip(shown, links, strict=True))
        return rows[: len(mine)], rows[len(mine) :]

    async def groups_of(self, request: ApprovalRequest, person: str) -> tuple[str, ...]:
        """Return the groups of the request that the person is in: why it waits for them."""
        return await groups_of(self.directory, request, person)
