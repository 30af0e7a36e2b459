"""How one role knows that the other is alive."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A key that lives a little longer than the time between two beats."""

    redis: Redis
    role: str
    lasts: timedelta = timedelta(seconds=6)

    async def beat(self, word: str = "") -> None:
        """Say that this role is alive, and in a word how it is; TransientError when nobody can be told."""
        with outages():
            lasts = int(self.lasts.total_seconds() * 1000)
            await self.redis.set(keys.heartbeat(self.role), word.encode("utf-8", "replace"), px=lasts)

    async def fresh(self) -> bool:
        """True when a process of this role has said so lately; TransientError when it cannot be known."""
        with outages():
            return bool(await self.redis.exists(keys.heartbeat(self.role)))

    async def word(self) -> str:
        """Return what that role said of itself at its last beat, or an empty text; TransientError as above."""
        with outages():
            said: Any = await self.redis.get(keys.heartbeat(self.role))
        return said.decode("utf-8", "replace") if said else ""
