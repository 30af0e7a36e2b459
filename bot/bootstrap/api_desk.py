"""Builds the worker's side of the signed API."""

from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.redis.api_memory import RedisApiMemory
from bot.api_clients import LiveClients
from bot.api_desk import ApiDesk
from bot.cards.channels import ChannelBook
from bot.cards.poster import Poster
from bot.services import Services
from core.ports import Forms


def build_api_desk(
    clients: LiveClients | None, services: Services, forms: Forms, redis: Redis, client: AsyncWebClient
) -> ApiDesk | None:
    """Return the desk, or None where no file names clients."""
    if clients is None:
        return None
    return ApiDesk(services, clients, RedisApiMemory(redis), forms, Poster(client), ChannelBook(client))
