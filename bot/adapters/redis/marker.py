"""A mark in Redis by which it is known again: one that was emptied or replaced bears another, or none."""

from typing import Any

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages


class Marker:
    """Marks whatever bears no mark yet."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def mark(self, fresh: str) -> str:
        """Return the mark, which is `fresh` where there was none; TransientError when nobody can be asked."""
        with outages():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(keys.MARK, fresh, nx=True)
                pipe.expire(keys.MARK, keys.MARK_FOR)
                pipe.get(keys.MARK)
                found: Any = await pipe.execute()
        return bytes(found[-1]).decode()
