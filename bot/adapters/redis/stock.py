"""Which events are in the queue: asked before one that SQL still waits for is told lost."""

import json
from collections.abc import Collection, Iterable
from typing import Any

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages

_PAGE = 100


class Stock:
    """Looks through whole streams, a hundred entries in each round trip."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def ids(self, kinds: Iterable[str]) -> Collection[str]:
        """Return the ids of all events in the streams that events of these kinds are put into, or were by an earlier
        version, whether somebody has them or not; TransientError when that cannot be known."""
        found: set[str] = set()
        for name in sorted({keys.SLACK, keys.WORK} | {keys.stream_of(kind) for kind in kinds}):
            rows: Any = [("-", None)]
            while rows:
                with outages():
                    rows = await self._redis.xrange(name, f"({_text(rows[-1][0])}" if rows[-1][1] else "-", "+", _PAGE)
                found.update(filter(None, (_id_of(fields) for _, fields in rows)))
        return found


def _id_of(fields: dict[bytes, bytes] | None) -> str:
    try:
        return str(json.loads((fields or {})[b"event"])["id"])
    except (KeyError, TypeError, ValueError):
        return ""  # it is no event, and has no row


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
