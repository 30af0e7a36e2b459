"""What the API remembers between two requests: nonces, what a key stood for, and how it was answered."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages

_LOOK, _LONGEST_LOOK = 0.02, 0.2  # seconds between two looks: most answers come soon, and many may wait


@dataclass(frozen=True, slots=True)
class RedisApiMemory:
    """Implements bot.api_memory.ApiNonces and ApiMemory; TransientError when Redis cannot be asked."""

    redis: Redis

    async def is_first(self, client: str, nonce: str) -> bool:
        """True for one request under that nonce, beside the signatures that Slack's requests bore."""
        word = secrets.token_hex(8).encode()  # a command that was sent twice for a lost answer is still the first
        return await self._keep(keys.signature(f"api:{client}:{nonce}"), word, keys.SEEN_FOR) == word

    async def is_same(self, event_id: str, digest: str) -> bool:
        """True while the event's id stands for that digest alone."""
        found = await self._keep(keys.api_request(event_id), digest.encode(), keys.KEY_FOR)
        return found == digest.encode()

    async def note_asked(self, approval_id: str) -> None:
        """Remember that this may become a request."""
        await self._keep(keys.api_asked(approval_id), b"1", keys.KEY_FOR)

    async def was_asked(self, approval_id: str) -> bool:
        """True when it was asked for."""
        with outages():
            return bool(await self.redis.exists(keys.api_asked(approval_id)))

    async def give(self, event_id: str, answer: str) -> None:
        """Leave the answer; the first one stands."""
        await self._keep(keys.api_answer(event_id), answer.encode(), keys.KEY_FOR)

    async def wait(self, event_id: str, seconds: float) -> str:
        """Return the answer, or an empty text when there is none in time."""
        loop = asyncio.get_running_loop()
        deadline, pause = loop.time() + seconds, _LOOK
        while True:
            with outages():
                found: Any = await self.redis.get(keys.api_answer(event_id))
            if found is not None:
                return found.decode()
            if loop.time() >= deadline:
                return ""
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK)

    async def _keep(self, key: str, value: bytes, lasts: timedelta) -> bytes:
        """Write unless something stands there; return what stands there then."""
        with outages():
            if await self.redis.set(key, value, nx=True, px=int(lasts.total_seconds() * 1000)):
                return value
            found: Any = await self.redis.get(key)
        return found or b""
