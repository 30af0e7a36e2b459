"""Answers to forms, each a key that lives as long as somebody may still ask for it."""

import asyncio
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages

_LOOK = 0.02  # seconds between two looks; there is one waiting form for each person at most
_GONE = b"\0gone"


@dataclass(frozen=True, slots=True)
class RedisAnswers:
    """Implements bot.answers.Answers: whoever sets the key first has decided whether the answer came in time."""

    redis: Redis

    async def give(self, event_id: str, answer: str) -> bool:
        """Leave the answer, unless the other side has gone; TransientError when Redis cannot be asked."""
        with outages():
            if await self._set(event_id, answer.encode()):
                return True
            found: Any = await self.redis.get(keys.answer(event_id))
        return found == answer.encode()

    async def wait(self, event_id: str, seconds: float) -> str:
        """Look until it is there or the time is over; TransientError when Redis cannot be asked."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with outages():
            while loop.time() < deadline:
                if (found := await self._found(event_id)) is not None:
                    return found
                await asyncio.sleep(_LOOK)
            if await self._set(event_id, _GONE):
                return ""
            return await self._found(event_id) or ""

    async def _found(self, event_id: str) -> str | None:
        found: Any = await self.redis.get(keys.answer(event_id))
        return None if found is None else "" if found == _GONE else found.decode()

    async def _set(self, event_id: str, value: bytes) -> bool:
        lasts = int(keys.ANSWER_FOR.total_seconds() * 1000)
        return bool(await self.redis.set(keys.answer(event_id), value, nx=True, px=lasts))
