"""Tells what was begun and is in no queue any more: Redis was lost with it, so nothing would ever come of it."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from core.dead_letter import DeadLetter
from core.ports import Clock

_log = structlog.get_logger(__name__)
LOST = "lost with Redis"
AFTER = timedelta(hours=2)
"""Twice as long as an event is tried by itself; what is in a stream is not lost, however long it takes."""


class Stranded(Protocol):
    """The rows, as this needs them."""

    async def stranded(self, before: datetime) -> Sequence[DeadLetter]:
        """Return rows that were begun, or sent back into the queue, before then and are not over."""
        ...

    async def lose(
        self, stranded: Sequence[DeadLetter], queued: Collection[str], before: datetime, error: str, now: datetime
    ) -> int:
        """Give up those whose event is not queued and that nobody has begun since; returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class LostEvents:
    """`queued` returns the ids of all events in the queue that may be of these kinds."""

    rows: Stranded
    queued: Callable[[Iterable[str]], Awaitable[Collection[str]]]
    clock: Clock

    async def tick(self) -> None:
        """Make dead letters of them, which are told like any other; TransientError while Redis or SQL is away."""
        now = self.clock.now()
        stranded = await self.rows.stranded(now - AFTER)
        if not stranded:
            return
        # Asked after the rows: what came into the queue meanwhile is found there, what left it is over in its row.
        queued = await self.queued({letter.kind for letter in stranded})
        if lost := await self.rows.lose(stranded, queued, now - AFTER, LOST, now):
            _log.error("events_lost_with_redis", count=lost)
