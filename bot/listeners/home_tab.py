"""What one person sees in App Home, drawn anew for whatever has just happened."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.home import build_home
from bot.cards.card_links import card_link
from bot.listeners.pending import Pending
from core.ports import Incidents
from core.services.freeze import FreezeSwitch

_SHOWN = 15


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Reads everything anew; `unfit` says why nothing can be changed, as far as the self-check knows, `notes` what else
    is amiss."""

    pending: Pending
    incidents: Incidents
    freeze: FreezeSwitch
    unfit: Callable[[], str] = str
    notes: Callable[[], tuple[str, ...]] = tuple

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
            notice=notice,
        )
        await client.views_publish(user_id=person, view=view)
