"""The two forms of a grant: what is wanted, answered with a preview; and the preview, which is then given."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.grants import build_grant_preview
from bot.grant_form import shapes_of
from bot.identifiers import (
    GRANT_CONFIRM_VIEW,
    GRANT_FIELD,
    GRANT_LASTS,
    GRANT_REASON,
    GRANT_USES,
    GRANT_VALUE,
    GRANT_VIEW,
)
from bot.listeners.telling import refusals_told, tell
from bot.services import Services
from core.brief import Place
from core.errors import NoDataError, RefusedError
from core.ports import Cards
from core.services.approval_desk import ApprovalDesk
from core.services.granting import Granting, GrantWish

_METADATA = 3000
_NOWHERE = Place(channel="", thread_ts="")


@dataclass(frozen=True, slots=True)
class GrantForms:
    """What the second form carries is what somebody typed into the first: it is checked like that, once more."""

    granting: Granting
    desk: ApprovalDesk
    cards: Cards

    async def handle_wished(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Answer with what is wrong at its field, or with the preview."""
        view, person = body["view"], body["user"]["id"]
        facts, state = json.loads(view["private_metadata"]), view["state"]["values"]
        try:
            request = await self.granting.approvals.load(facts["id"])
            typed = {key.removeprefix(GRANT_FIELD): _value(state, key) for key in state if key.startswith(GRANT_FIELD)}
            shapes, faults = shapes_of(request.plan, typed)
            if faults:
                await ack(
                    response_action="errors", errors={f"{GRANT_FIELD}{name}": each for name, each in faults.items()}
                )
                return
            wish = GrantWish(
                approval_id=request.id,
                args=shapes,
                uses=int(_value(state, GRANT_USES)),
                lasts=timedelta(seconds=int(_value(state, GRANT_LASTS))),
                reason=_value(state, GRANT_REASON),
            )
            grant = await self.granting.draft(person, wish, view["id"])
            fits = await self.granting.preview(grant)
            preview = build_grant_preview(grant, wish, fits, approve=bool(facts["approve"]))
            if len(preview["private_metadata"]) > _METADATA:
                raise RefusedError("These arguments are too long to be approved ahead.")
        except (RefusedError, NoDataError) as refusal:
            await ack(response_action="errors", errors={GRANT_REASON: str(refusal)[:150]})
            return
        await ack(response_action="update", view=preview)

    async def handle_given(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Approve the request, if that is what the form is for, and give the grant; a vote that does not count gives
        none."""
        await ack()
        view, person = body["view"], body["user"]["id"]
        facts = json.loads(view["private_metadata"])
        wish = GrantWish.model_validate(facts["wish"])
        place = await self._place(wish.approval_id)
        async with refusals_told(client, person, place):
            grant = await self.granting.draft(person, wish, view["id"])
            if facts["approve"]:
                try:
                    await self.desk.vote(wish.approval_id, person, "approve")
                finally:
                    await self.cards.show_approval(wish.approval_id)
            given = await self.granting.give(grant)
            said = f"Grant {given.id} is given: {given.uses} uses until {given.expires_at:%H:%M} UTC."
            await tell(client, person, place, f"{said} `/ops grants` lists and revokes it.")

    async def _place(self, approval_id: str) -> Place:
        try:
            request = await self.granting.approvals.load(approval_id)
        except NoDataError:
            return _NOWHERE
        return Place(channel=request.channel, thread_ts=request.thread_ts)


def _value(state: Mapping[str, Mapping[str, Any]], block_id: str) -> str:
    entry = state.get(block_id, {}).get(GRANT_VALUE) or {}
    chosen = entry.get("selected_option")
    return str((chosen or {}).get("value") or entry.get("value") or "")


def register(app: AsyncApp, services: Services) -> None:
    """Listen to both forms."""
    forms = GrantForms(services.granting, services.desk, services.cards)
    app.view(GRANT_VIEW)(forms.handle_wished)
    app.view(GRANT_CONFIRM_VIEW)(forms.handle_given)
