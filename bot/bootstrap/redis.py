"""How both roles find out whether their Redis answers, and say which one does not."""

import asyncio

from redis.asyncio import Redis

from bot.adapters.redis.connection import outages
from bot.addresses import shown
from core.errors import TransientError

_WITHIN = 2.0  # seconds


async def reach(redis: Redis, url: str) -> None:
    """Return once Redis has answered; TransientError names the setting and the host."""
    try:
        with outages():
            async with asyncio.timeout(_WITHIN):
                await redis.ping()
    except TransientError as error:
        raise TransientError(f"REDIS_URL {shown(url)} does not answer ({error})") from error
