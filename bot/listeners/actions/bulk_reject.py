"""Reject the ticked ones: each is a vote of its own at the desk, all with the same reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.reminder import what
from bot.blocks.text import inert
from bot.identifiers import BULK_PICK, BULK_REASON, BULK_REJECT
from bot.listeners.home_tab import HomeTab
from bot.services import Services
from core.errors import NoDataError, RefusedError
from core.ports import Approvals, Cards
from core.services.approval_desk import ApprovalDesk

_REASON = 1000


@dataclass(frozen=True, slots=True)
class BulkReject:
    """What came of each is said on top of the tab."""

    desk: ApprovalDesk
    approvals: Approvals
    cards: Cards
    tab: HomeTab

    async def handle_bulk_reject(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Reject what was ticked; without a reason, or with nothing ticked, nothing is decided."""
        await ack()
        person = body["user"]["id"]
        ticked, reason = _filled_in((body.get("view") or {}).get("state", {}).get("values", {}))
        if not ticked or not reason:
            missing = "Tick at least one request" if not ticked else "A rejection needs a reason"
            await self.tab.publish(client, person, f"⚠️ {missing}; nothing was decided.")
            return
        told = [await self._reject(approval_id, person, reason) for approval_id in ticked]
        await self.tab.publish(client, person, "\n".join(told))

    async def _reject(self, approval_id: str, person: str, reason: str) -> str:
        try:
            request = await self.approvals.load(approval_id)
        except NoDataError:
            return f"⚠️ I know no request {inert(approval_id, 40)}."
        try:
            await self.desk.vote_on(request, person, "reject", reason)
        except RefusedError as refusal:
            return f"⚠️ {what(request)} was not rejected: {inert(str(refusal), 200)}"
        finally:
            await self.cards.show_approval(request.id)
        return f"⛔ *Rejected:* {what(request)}: {inert(reason, 200)}"


def _filled_in(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> tuple[list[str], str]:
    ticked: list[str] = []
    reason = ""
    for block in values.values():
        for option in block.get(BULK_PICK, {}).get("selected_options") or []:
            ticked.append(str(option["value"]))
        reason = reason or (block.get(BULK_REASON, {}).get("value") or "").strip()
    return list(dict.fromkeys(ticked)), reason[:_REASON]


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the button under the ticked requests."""
    bulk = BulkReject(services.desk, services.approvals, services.cards, HomeTab.of(services))
    app.action(BULK_REJECT)(bulk.handle_bulk_reject)
