"""The Edit button: a form with the request's arguments, for those who may decide or withdraw it."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.edit_modal import MAX_FIELDS, build_edit_modal
from bot.forms import fields_of
from bot.identifiers import EDIT
from bot.listeners.click import Click
from bot.listeners.modal import open_modal
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.errors import RefusedError
from core.ports import Approvals
from core.services.approval_desk import ApprovalDesk
from core.services.editing import Editing


@dataclass(frozen=True, slots=True)
class EditButton:
    """Opens the form; what is sent in it is checked anew."""

    desk: ApprovalDesk
    approvals: Approvals
    editing: Editing

    async def handle_edit(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Show the form, or say why not."""
        await ack()
        click = Click.of(body)
        async with refusals_told(client, click.person, click.place):
            request = await self.approvals.load(click.value)
            await self.desk.check_may_edit(request, click.person)
            fields = fields_of(self.editing.schema_of(request), request.plan.call.args)
            if not any(field.kind != "kept" for field in fields) or len(fields) > MAX_FIELDS:
                raise RefusedError("The arguments of this call do not fit into a form. Reject it and ask anew.")
            await open_modal(client, click.trigger_id, build_edit_modal(request, fields))


def register(app: AsyncApp, services: Services) -> None:
    """Listen to Edit."""
    app.action(EDIT)(EditButton(services.desk, services.approvals, services.editing).handle_edit)
