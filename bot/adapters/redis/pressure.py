"""Says no to more work before there is no room left to finish what was taken."""

import re
from time import monotonic
from typing import Any

import structlog
from redis.asyncio import Redis

from bot.adapters.redis.cancelling import answer_within
from bot.adapters.redis.connection import outages
from bot.adapters.redis.wire import Wire
from core.errors import QueueFullError

_log = structlog.get_logger(__name__)
_LOOK_EVERY, _LOOK_BEFORE, _LOOK_WITHIN = 0.5, 20, 1.0  # seconds, events, seconds
_SAY_EVERY = 30.0
_FIGURE = re.compile(r"^(used_memory|maxmemory):(\d+)\r$", re.MULTILINE)


class Pressure:
    """Keeps a part of Redis' memory free: those who run need it for their checkpoints while others are refused."""

    def __init__(self, redis: Redis, reserve: float, wire: Wire | None = None) -> None:
        self._redis = redis
        self._wire = wire
        self._reserve = reserve
        self._had_room_at = self._said_at = -_SAY_EVERY
        self._events = 0

    async def check(self, events: int) -> None:
        """QueueFullError while less than the reserve is free; looks before every so many events, and twice a second."""
        self._events += events
        if self._events < _LOOK_BEFORE and monotonic() - self._had_room_at < _LOOK_EVERY:
            return
        with outages():
            used, most = await answer_within(_LOOK_WITHIN, self._memory())
        if most and used > most * (1 - self._reserve):
            raise QueueFullError(f"redis: {used} of {most} bytes are used")
        self._had_room_at, self._events = monotonic(), 0

    async def _memory(self) -> tuple[int, int]:
        """Return how many bytes are used, and how many there are (0: no end)."""
        if self._wire is None:
            told: dict[str, Any] = await self._redis.info("memory")
        else:  # the client takes ten times as long to read the same
            told = dict(_FIGURE.findall((await self._wire.ask("INFO", "memory")).decode()))
        return int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))

    def say(self, refusal: QueueFullError) -> None:
        """Log a refusal as an error, once in half a minute."""
        if monotonic() - self._said_at >= _SAY_EVERY:
            self._said_at = monotonic()
            _log.error("queue_full", why=str(refusal), effect="new events are refused, their senders try again")
