"""Is a Redis fit to hold what was acknowledged: one that forgets on restart or under pressure is refused."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis

from bot.adapters.redis.connection import outages
from core.errors import ConfigurationError, TransientError

_ANSWER_WITHIN = 2.0  # seconds
OLDEST: Final = (6, 2)
Version = tuple[int, ...]

# First and first mended version of what lets a client that may log in run code in the server. Distributions mend it
# without a new number, so it is told and not refused. Sources: the projects' own advisories of these names.
_KNOWN_BAD: Final[dict[str, tuple[tuple[Version, Version, str], ...]]] = {
    "redis": (
        ((6, 2), (6, 2, 20), "CVE-2025-49844"),
        ((7, 0), (7, 2), "CVE-2025-49844"),
        ((7, 2), (8, 6, 3), "CVE-2026-23479"),
    ),
    "valkey": (
        ((7, 2), (7, 2, 11), "CVE-2025-49844"),
        ((8, 0), (8, 0, 6), "CVE-2025-49844"),
        ((8, 1), (8, 1, 4), "CVE-2025-49844"),
    ),
}


class RedisFacts(NamedTuple):
    """What decides whether an acknowledged event can be lost."""

    version: str
    append_only: bool
    eviction: str
    engine: str = "redis"
    now: datetime | None = None


async def reach(redis: Redis, name: str) -> None:
    """Return once the server has answered, in at most two seconds; TransientError says that `name` does not."""
    try:
        with outages():
            async with asyncio.timeout(_ANSWER_WITHIN):
                await redis.ping()
    except TransientError as error:
        raise TransientError(f"{name} does not answer ({error})") from error


async def inspect(redis: Redis) -> RedisFacts:
    """Ask the server; needs INFO and TIME only, no right to CONFIG. TransientError while it cannot be reached."""
    with outages():
        info: dict[str, Any] = await redis.info("everything")
        seconds, micros = await redis.time()
    valkey = info.get("valkey_version")
    return RedisFacts(
        version=str(valkey or info.get("redis_version") or "unknown"),
        append_only=str(info.get("aof_enabled")) == "1",
        eviction=str(info.get("maxmemory_policy", "unknown")),
        engine="valkey" if valkey else "redis",
        now=datetime.fromtimestamp(seconds + micros / 1e6, UTC),
    )


def require_durable(facts: RedisFacts) -> None:
    """Raise ConfigurationError in one line for a server that may lose what it has acknowledged, or is too old."""
    if not facts.append_only:
        raise ConfigurationError(
            "REDIS_URL: this Redis forgets acknowledged events when it is killed; set `appendonly yes`"
        )
    if facts.eviction != "noeviction":
        raise ConfigurationError(
            f"REDIS_URL: this Redis drops keys when memory is short ({facts.eviction}); "
            "set `maxmemory-policy noeviction`"
        )
    if number(facts.version) < OLDEST:
        raise ConfigurationError(f"REDIS_URL: this Redis is of version {facts.version}; it has to be 6.2 or later")


def known_bad(facts: RedisFacts) -> str:
    """Return the name of a grave fault that this version was released with, or an empty text."""
    version = number(facts.version)
    rows = _KNOWN_BAD.get(facts.engine, ())
    return next((name for first, mended, name in rows if first <= version < mended), "")


def number(version: str) -> Version:
    """Return a version as numbers; one that cannot be read counts as the oldest there is."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
