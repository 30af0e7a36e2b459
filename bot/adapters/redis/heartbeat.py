"""How one role knows that the other is alive, and each of its processes how it is."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages

# KEYS: the names of the living. Whoever beats strikes off those whose own key has run out.
_BEAT = """
redis.call('SET', KEYS[1] .. ':' .. ARGV[1], ARGV[2], 'PX', ARGV[3])
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', KEYS[1] .. ':' .. name) == 0 then redis.call('SREM', KEYS[1], name) end
end
"""
_WORDS = """
local words = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local word = redis.call('GET', KEYS[1] .. ':' .. name)
  if word then words[#words + 1] = {name, word} end
end
return words
"""


NOTES = "notes"
"""Under which a worker that has something to say, and works on, says it."""


def _own_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A key for each process of a role, which lives a little longer than the time between two beats."""

    redis: Redis
    role: str
    lasts: timedelta = timedelta(seconds=6)
    name: str = field(default_factory=_own_name)

    async def beat(self, word: str = "") -> None:
        """Say that this process is alive, and in a word how it is; TransientError when nobody can be told."""
        lasts = int(self.lasts.total_seconds() * 1000)
        with outages():
            await self.redis.eval(
                _BEAT, 1, keys.heartbeat(self.role), self.name, word.encode("utf-8", "replace"), lasts
            )

    async def fresh(self) -> bool:
        """True when a process of this role has said so lately; TransientError when it cannot be known."""
        with outages():
            return bool(await self.redis.exists(keys.heartbeat(self.role)))

    async def words(self) -> Mapping[str, str]:
        """Return what each living process of this role said of itself, by its name; TransientError as above."""
        with outages():
            said: Any = await self.redis.eval(_WORDS, 1, keys.heartbeat(self.role))
        return {name.decode(): word.decode("utf-8", "replace") for name, word in sorted(said)}

    async def word(self) -> str:
        """Return who said what, where there was something to say; an empty text when all are well."""
        return "; ".join(f"{name}: {word}" for name, word in (await self.words()).items() if word)
