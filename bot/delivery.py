"""Between the queue and the use cases: nothing runs once it is over, and what cannot be done ends as a dead letter."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from core.errors import TransientError
from core.event import UNREADABLE, Event, Start
from core.ids import stable_id
from core.ports import Clock, Deliveries

_log = structlog.get_logger(__name__)
_SIGN_OFF_WITHIN = 1.5  # seconds
KILLED = "it ended its process each time"
ATTEMPTS = 3
PATIENCE = timedelta(hours=1)

Handler = Callable[[Event], Awaitable[None]]
Verdict = Callable[[], Awaitable[None]]


class Delivery:
    """What `handle` returns from may be struck off the queue; what it raises is delivered again.

    An event is given up after `most` attempts that failed or never ended, and after `patience` of mere interruptions.
    An outage or a stop does not count, and neither does waiting in a worker that another event kills. Those that ran
    beside that one do count, so whatever twice ended without a word runs its last attempt with no other such beside
    it: the process then dies of the guilty one alone."""

    def __init__(
        self,
        handle: Handler,
        deliveries: Deliveries,
        clock: Clock,
        *,
        most: int = ATTEMPTS,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._handle = handle
        self._deliveries = deliveries
        self._clock = clock
        self._most = most
        self._patience = patience
        self._alone = asyncio.Lock()
        self._cut: set[str] = set()
        self._owed: dict[str, Verdict] = {}

    async def handle(self, event: Event) -> None:
        """See one event through, if it is not over; raises what the handler raises, unless the event is given up."""
        if event.kind == UNREADABLE:
            await self._bury(event, "it is no event that this version can read")
            return
        if event.id in self._owed:
            await self._conclude(event, self._owed[event.id])
        start = await self._begin(event)
        if start.state != "suspect":
            await self._go(event, start)
            return
        _log.warning("event_runs_alone", event_id=event.id, kind=event.kind)
        async with self._alone:
            # Counted only now: those that wait here must not be counted when the one that runs ends the process.
            await self._go(event, await self._begin(event, alone=True))

    async def close(self) -> None:
        """Take back the attempts that a stop has cut short; call it when nothing runs any more."""
        try:
            async with asyncio.timeout(_SIGN_OFF_WITHIN):
                await self._deliveries.release(sorted(self._cut), self._clock.now())
        except (TransientError, TimeoutError) as error:
            _log.warning("attempts_not_taken_back", count=len(self._cut), error=str(error))
        self._cut.clear()

    async def _begin(self, event: Event, *, alone: bool = False) -> Start:
        return await self._deliveries.begin(event, self._clock.now(), most=self._most, alone=alone)

    async def _go(self, event: Event, start: Start) -> None:
        if start.state == "over":
            _log.info("event_over_already", event_id=event.id, kind=event.kind)
            return
        if start.state == "spent":
            await self._bury(event, KILLED)
            return
        try:
            await self._handle(event)
        except asyncio.CancelledError:
            self._cut.add(event.id)
            raise
        except TransientError as error:
            if self._clock.now() - start.since < self._patience:
                await self._conclude(event, lambda: self._deliveries.release([event.id], self._clock.now()))
                raise
            _log.warning("event_given_up", event_id=event.id, kind=event.kind, error=str(error))
            await self._bury(event, described(event, error))
        except Exception as error:
            why = described(event, error)
            if start.number < self._most:
                await self._conclude(event, lambda: self._deliveries.failed(event.id, why, self._clock.now()))
                raise
            _log.exception("event_given_up", event_id=event.id, kind=event.kind)
            await self._bury(event, why)
        else:
            await self._conclude(event, lambda: self._deliveries.done(event.id, self._clock.now()))

    async def _bury(self, event: Event, why: str) -> None:
        _log.error("event_buried", event_id=event.id, kind=event.kind, why=why)
        await self._conclude(event, lambda: self._deliveries.bury(event, why, self._clock.now()))

    async def _conclude(self, event: Event, verdict: Verdict) -> None:
        # A verdict that SQL does not take is kept for the next delivery: it is written then, and nothing runs again.
        self._owed[event.id] = verdict
        await verdict()
        del self._owed[event.id]


def described(event: Event, error: Exception) -> str:
    """Return the error's class and the reference under which the log has the rest; its words may hold anything."""
    return f"{type(error).__name__} (ref {stable_id('ref', event.id)})"
