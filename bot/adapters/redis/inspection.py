"""Is a Redis fit to hold what was acknowledged: one that forgets on restart or under pressure is refused."""

import asyncio
from typing import Any, NamedTuple

from redis.asyncio import Redis

from bot.adapters.redis.connection import outages
from core.errors import ConfigurationError, TransientError

_ANSWER_WITHIN = 2.0  # seconds


class RedisFacts(NamedTuple):
    """What decides whether an acknowledged event can be lost."""

    version: str
    append_only: bool
    eviction: str


async def reach(redis: Redis, name: str) -> None:
    """Return once the server has answered, in at most two seconds; TransientError says that `name` does not."""
    try:
        with outages():
            async with asyncio.timeout(_ANSWER_WITHIN):
                await redis.ping()
    except TransientError as error:
        raise TransientError(f"{name} does not answer ({error})") from error


async def inspect(redis: Redis) -> RedisFacts:
    """Ask the server; needs INFO only, no right to CONFIG. TransientError while it cannot be reached."""
    with outages():
        info: dict[str, Any] = await redis.info("everything")
    version = str(info.get("valkey_version") or info.get("redis_version") or "unknown")
    return RedisFacts(version, str(info.get("aof_enabled")) == "1", str(info.get("maxmemory_policy", "unknown")))


def require_durable(facts: RedisFacts) -> None:
    """Raise ConfigurationError in one line for a server that may lose what it has acknowledged."""
    if not facts.append_only:
        raise ConfigurationError(
            "REDIS_URL: this Redis forgets acknowledged events when it is killed; set `appendonly yes`"
        )
    if facts.eviction != "noeviction":
        raise ConfigurationError(
            f"REDIS_URL: this Redis drops keys when memory is short ({facts.eviction}); "
            "set `maxmemory-policy noeviction`"
        )
