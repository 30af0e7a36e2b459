"""/ops status: whether anything can be changed, and what is open."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.ops_answers import build_status
from bot.blocks.text import Block
from bot.listeners.pending import Pending
from core.ports import Incidents
from core.services.freeze import FreezeSwitch


@dataclass(frozen=True, slots=True)
class Status:
    """`unfit` says why nothing can be changed, as far as the self-check knows, `notes` what else is amiss."""

    incidents: Incidents
    pending: Pending
    freeze: FreezeSwitch
    unfit: Callable[[], str] = str
    notes: Callable[[], tuple[str, ...]] = tuple

    async def status(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        """`/ops status`."""
        mine, others = await self.pending.of(command["user_id"], client)
        return build_status(
            await self.incidents.open(),
            len(mine) + len(others),
            len(mine),
            freeze=await self.freeze.state(),
            unfit=self.unfit(),
            notes=self.notes(),
        )
