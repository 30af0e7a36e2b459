"""The submitted form of Edit: faults go back to their fields, the rest becomes a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.edit_modal import values_of
from bot.forms import fields_of, read
from bot.identifiers import EDIT_VALUE, EDIT_VIEW, FIELD_BLOCK, NOTE_BLOCK
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.brief import Edit, Place
from core.errors import NoDataError, RefusedError
from core.ports import Approvals
from core.services.approval_desk import ApprovalDesk
from core.services.editing import Editing

_SAID = 150  # characters of a fault that stay readable under a field


@dataclass(frozen=True, slots=True)
class EditedForm:
    """Of the form nothing is believed but its id, the request's id and what was typed; the row is read again."""

    desk: ApprovalDesk
    approvals: Approvals
    editing: Editing

    async def handle_edited(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Answer with what is wrong, or queue the edit."""
        view, person = body["view"], body["user"]["id"]
        try:
            edit, faults = await self._read(view, person)
        except (RefusedError, NoDataError) as refusal:
            await ack()
            place = await self._place(view.get("private_metadata") or "")
            async with refusals_told(client, person, place):
                raise refusal
            return
        if faults:
            await ack(response_action="errors", errors=faults)
            return
        await self.editing.submit(edit)
        await ack()

    async def _read(self, view: Mapping[str, Any], person: str) -> tuple[Edit, dict[str, str]]:
        request = await self.approvals.load(view.get("private_metadata") or "")
        await self.desk.check_may_edit(request, person)
        state = view["state"]["values"]
        fields = fields_of(self.editing.schema_of(request), request.plan.call.args)
        args, faults = read(fields, values_of(fields, state))
        found: Mapping[str, str] = faults or await self.editing.faults(request, args)
        inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
        note = (state.get(NOTE_BLOCK, {}).get(EDIT_VALUE) or {}).get("value") or ""
        edit = Edit(approval_id=request.id, form=view["id"], editor=person, args=args, note=note.strip()[:500])
        return edit, _by_block(found, inputs)

    async def _place(self, approval_id: str) -> Place:
        try:
            request = await self.approvals.load(approval_id)
        except NoDataError:
            return Place(channel="", thread_ts="")
        return Place(channel=request.channel, thread_ts=request.thread_ts)


def _by_block(faults: Mapping[str, str], inputs: list[str]) -> dict[str, str]:
    """Return each sentence at its field; one about none of them stands at the last argument, near the button."""
    found: dict[str, str] = {}
    last = [block for block in inputs if block.startswith(FIELD_BLOCK)][-1:] or inputs
    for name, said in faults.items():
        block = f"{FIELD_BLOCK}{name}"
        found.setdefault(block if block in inputs else last[0], said if len(said) <= _SAID else f"{said[:_SAID]}…")
    return found


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the edit form."""
    app.view(EDIT_VIEW)(EditedForm(services.desk, services.approvals, services.editing).handle_edited)
