"""What one person sees in App Home, drawn anew for whatever has just happened."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.home import build_home
from bot.cards.card_links import card_link
from bot.listeners.pending import Pending
from bot.services import Services
from core.ports import Incidents
from core.services.freeze import FreezeSwitch
from core.services.granting import Granting

_SHOWN = 15


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Reads everything anew; `unfit` says why nothing can be changed, as far as the self-check knows, `notes` what else
    is amiss."""

    pending: Pending
    incidents: Incidents
    freeze: FreezeSwitch
    granting: Granting
    unfit: Callable[[], str] = str
    notes: Callable[[], tuple[str, ...]] = tuple

    @classmethod
    def of(cls, services: Services) -> Self:
        """Return the tab over the worker's services."""
        pending = Pending.of_services(services)
        return cls(pending, services.incidents, services.freeze, services.granting, services.unfit, services.notes)

    async def publish(self, client: AsyncWebClient, person: str, notice: str = "") -> None:
        """Show it to that person; `notice` is mrkdwn of ours."""
        mine, others = await self.pending.of(person, client, 2 * _SHOWN)
        incidents = list(await self.incidents.open())[:_SHOWN]
        links = await asyncio.gather(*(card_link(client, each.channel, each.thread_ts) for each in incidents))
        view = build_home(
            mine,
            others,
            list(zip(incidents, links, strict=True)),
            freeze=await self.freeze.state(),
            unfit=self.unfit(),
            notes=self.notes(),
            # What somebody asked for is theirs to withdraw.
            rejectable=[row for row, _ in mine] + [row for row, _ in others if row.requester == person],
            grants=await self.granting.open(),
            notice=notice,
        )
        await client.views_publish(user_id=person, view=view)
