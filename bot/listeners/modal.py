"""Opening a modal within the three seconds that Slack gives."""

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.text import Block
from bot.cards.faults import code_of
from core.errors import RefusedError

_LATE = {"expired_trigger_id", "trigger_expired"}
_OPEN_ALREADY = {"exchanged_trigger_id", "trigger_exchanged"}


async def open_modal(client: AsyncWebClient, trigger_id: str, view: Block) -> None:
    """Open the modal; RefusedError when the click is too old, silence when this very click has opened it before."""
    try:
        await client.views_open(trigger_id=trigger_id, view=view)
    except SlackApiError as error:
        if code_of(error) in _LATE:
            raise RefusedError("That took me too long for Slack. Please press the button again.") from error
        if code_of(error) not in _OPEN_ALREADY:
            raise
