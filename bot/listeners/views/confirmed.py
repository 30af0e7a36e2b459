"""The submitted confirmation: an approving vote with the target's name typed out."""

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.identifiers import CONFIRM_BLOCK, CONFIRM_INPUT, CONFIRM_VIEW
from bot.listeners.actions.approve import ApproveButton
from bot.listeners.telling import refusals_told
from bot.services import Services
from core.brief import Place
from core.confirmation import check_typed
from core.errors import ConfirmationError, NoDataError


@dataclass(frozen=True, slots=True)
class TypedConfirmation:
    """A wrong name is told at its field; whether the vote counts is for the desk to say, which looks at it again."""

    button: ApproveButton

    async def handle_typed(self, ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        """Vote in the name of whoever submitted."""
        view, person = body["view"], body["user"]["id"]
        approval_id = view.get("private_metadata") or ""
        typed = view["state"]["values"][CONFIRM_BLOCK][CONFIRM_INPUT].get("value") or ""
        place = Place(channel="", thread_ts="")
        try:
            request = await self.button.approvals.load(approval_id)
            place = Place(channel=request.channel, thread_ts=request.thread_ts)
            check_typed(request, typed)
        except ConfirmationError as wrong:
            await ack(response_action="errors", errors={CONFIRM_BLOCK: str(wrong)})
            return
        except NoDataError:
            pass  # told below
        await ack()
        async with refusals_told(client, person, place):
            await self.button.vote(await self.button.approvals.load(approval_id), person, typed)


def register(app: AsyncApp, services: Services) -> None:
    """Listen to the confirmation."""
    button = ApproveButton(services.desk, services.approvals, services.cards)
    app.view(CONFIRM_VIEW)(TypedConfirmation(button).handle_typed)
