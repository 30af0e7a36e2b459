"""Says no to more work before there is no room left to finish what was taken."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import structlog
from redis.asyncio import Redis

from bot.adapters.redis.cancelling import answer_within
from bot.adapters.redis.connection import outages
from bot.adapters.redis.stream import FullError

_log = structlog.get_logger(__name__)
_LOOK_EVERY, _LOOK_BEFORE, _LOOK_WITHIN = 0.5, 20, 1.0  # seconds, events, seconds
_SAY_EVERY = 30.0


class Pressure:
    """Keeps a part of Redis' memory free: those who run need it for their checkpoints while others are refused."""

    def __init__(self, redis: Redis, reserve: float) -> None:
        self._redis = redis
        self._reserve = reserve
        self._had_room_at = self._said_at = -_SAY_EVERY
        self._events = 0

    async def check(self, events: int) -> None:
        """FullError while less than the reserve is free; looks before every so many events, and twice a second."""
        self._events += events
        if self._events < _LOOK_BEFORE and monotonic() - self._had_room_at < _LOOK_EVERY:
            return
        with outages():
            memory: dict[str, Any] = await answer_within(_LOOK_WITHIN, self._redis.info("memory"))
        used, most = int(memory.get("used_memory", 0)), int(memory.get("maxmemory", 0))
        if most and used > most * (1 - self._reserve):
            raise FullError(f"redis: {used} of {most} bytes are used")
        self._had_room_at, self._events = monotonic(), 0

    @contextmanager
    def said(self) -> Iterator[None]:
        """Log a refusal of the block as an error, once in half a minute, and let it pass."""
        try:
            yield
        except FullError as error:
            if monotonic() - self._said_at >= _SAY_EVERY:
                self._said_at = monotonic()
                _log.error("queue_full", why=str(error), effect="new events are refused, their senders try again")
            raise
