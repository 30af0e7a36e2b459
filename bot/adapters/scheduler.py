"""One interval tick, one ticker at a time: scheduled work is rows that a tick asks for, never pickled jobs."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from core.errors import TransientError

_log = structlog.get_logger(__name__)
Lease = Callable[[str], AbstractAsyncContextManager[object]]


class Ticker:
    """Calls `tick` at an interval under the lease `name`; a tick that overruns delays the next, never doubles it."""

    def __init__(self, name: str, tick: Callable[[], Awaitable[None]], every: timedelta, lease: Lease | None) -> None:
        self._name = name
        self._tick = tick
        self._lease = lease
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_job(
            self._guarded,
            "interval",
            seconds=every.total_seconds(),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def start(self) -> None:
        """Begin to tick; needs a running loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; a tick under way is not waited for."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _guarded(self) -> None:
        try:
            if self._lease is None:
                await self._tick()
                return
            async with self._lease(self._name):
                await self._tick()
        except* (TransientError, TimeoutError) as passing:
            _log.debug("tick_skipped", name=self._name, error=str(passing.exceptions[0]))
