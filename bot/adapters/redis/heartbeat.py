"""How one role knows that the other is alive."""

from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A key that lives a little longer than the time between two beats."""

    redis: Redis
    role: str
    lasts: timedelta = timedelta(seconds=6)

    async def beat(self) -> None:
        """Say that this role is alive; TransientError when nobody can be told."""
        with outages():
            await self.redis.set(keys.heartbeat(self.role), b"1", px=int(self.lasts.total_seconds() * 1000))

    async def fresh(self) -> bool:
        """True when a process of this role has said so lately; TransientError when it cannot be known."""
        with outages():
            return bool(await self.redis.exists(keys.heartbeat(self.role)))
