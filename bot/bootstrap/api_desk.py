"""Builds the worker's side of the signed API."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.api_clients import LiveClients
from bot.api_desk import ApiDesk
from bot.api_memory import ApiMemory
from bot.cards.channels import ChannelBook
from bot.cards.poster import Poster
from bot.services import Services


def build_api_desk(
    clients: LiveClients | None, services: Services, memory: ApiMemory, client: AsyncWebClient
) -> ApiDesk | None:
    """Return the desk, or None where no file names clients."""
    if clients is None:
        return None
    return ApiDesk(services, clients, memory, services.editing.forms, Poster(client), ChannelBook(client))
