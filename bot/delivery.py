"""Between the queue and the use cases: nothing runs once it is over, and what cannot be done ends as a dead letter."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from pydantic import JsonValue

from bot.gate import Gate
from core.errors import TransientError
from core.event import UNREADABLE, Event, Start
from core.ids import stable_id
from core.ports import Clock, Deliveries

_log = structlog.get_logger(__name__)
_SIGN_OFF_WITHIN = 1.5  # seconds
_SHORTEST_WAIT, _LONGEST_WAIT = 10.0, 600.0  # seconds
_MOST_OWED = 4_000  # more than are in one worker's hands
KILLED = "it ended its process each time"
ATTEMPTS = 3
PATIENCE = timedelta(hours=1)

Handler = Callable[[Event], Awaitable[None]]
Verdict = Callable[[], Awaitable[None]]


class Delivery:
    """What `handle` returns from may be struck off the queue; what it raises is delivered again.

    An event is given up after `most` attempts that failed or never ended, and after `patience` of mere interruptions.
    An outage or a stop does not count, and neither does waiting.

    A process that dies does not tell which event it died of, so every attempt under way then counts. But no event is
    given up for such an end unless it was alone: what is one silent end from being given up is a suspect, and its next
    attempt begins only when no other event runs in this process and keeps all others from beginning until it has
    ended. If the process dies then, it died of this event (or of nothing in the queue at all). Events in other
    processes do not matter, as they do not die with this one. A silent end that was not alone never is the last: such
    an event has one more attempt, alone, even beyond `most`.

    A suspect waits for what runs as long as it has been tried already (10 s to 10 min), and meanwhile nothing begins;
    if others still run then, it gives way, uncounted, and comes again. So it never starves, however long others run,
    and they stand still for no longer than it has stood."""

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
        self._gate = Gate()
        self._cut: dict[str, str] = {}
        self._owed: dict[str, Verdict] = {}
        self._rejected: Counter[str] = Counter()

    async def handle(self, event: Event) -> None:
        """See one event through, if it is not over; raises what the handler raises, unless the event is given up."""
        if event.kind == UNREADABLE:
            await self._bury(event, "it is no event that this version can read")
            return
        if event.id in self._owed:
            await self._conclude(event, self._owed[event.id])
        # Counted only inside: those that wait must not be counted when the one that runs alone ends the process.
        async with self._gate.shared():
            start = await self._begin(event)
            if start is None or start.state != "suspect":
                await self._go(event, start)
                return
        _log.warning("event_runs_alone", event_id=event.id, kind=event.kind)
        tried = (self._clock.now() - start.since).total_seconds()
        async with self._gate.alone(min(max(tried, _SHORTEST_WAIT), _LONGEST_WAIT)):
            await self._go(event, await self._begin(event, alone=True))

    async def close(self) -> None:
        """Take back the attempts that a stop has cut short; call it when nothing runs any more."""
        try:
            async with asyncio.timeout(_SIGN_OFF_WITHIN):
                await self._deliveries.release(self._cut, self._clock.now())
        except (TransientError, TimeoutError) as error:
            _log.warning("attempts_not_taken_back", count=len(self._cut), error=str(error))
        self._cut.clear()

    async def _begin(self, event: Event, *, alone: bool = False) -> Start | None:
        """Return None for an event that was buried, as its row cannot be written."""
        attempt, now = secrets.token_hex(8), self._clock.now()
        try:
            start = await self._deliveries.begin(event, now, most=self._most, alone=alone, attempt=attempt)
        except asyncio.CancelledError:
            # It may be counted although nobody heard of it; that is taken back under its word, or nothing is.
            self._cut[event.id] = attempt
            raise
        except TransientError:
            raise
        except Exception as error:
            self._rejected[event.id] += 1
            if self._rejected[event.id] < self._most:
                raise
            _log.error("event_rejected", event_id=event.id, kind=event.kind, error=type(error).__name__)
            await self._bury_rejected(event, described(event, error))
            return None
        self._rejected.pop(event.id, None)
        return start

    async def _bury_rejected(self, event: Event, why: str) -> None:
        """Bury what the rows do not take; as the text of an unreadable entry, should they not take it even so."""
        try:
            await self._bury(event, why)
        except TransientError:
            raise
        except Exception:  # noqa: BLE001 - what cannot be buried as it came is buried as text
            self._owed.pop(event.id, None)
            body: dict[str, JsonValue] = {"fields": {"event": repr(event)}}
            raw = Event(id=event.id, kind=UNREADABLE, key="", body=body, received_at=self._clock.now())
            await self._bury(raw, why)
        self._rejected.pop(event.id, None)

    async def _go(self, event: Event, start: Start | None) -> None:
        if start is None:
            return
        if start.state == "over":
            _log.info("event_over_already", event_id=event.id, kind=event.kind)
        elif start.state == "spent":
            await self._bury(event, KILLED, start.attempt)
        elif start.state == "suspect":
            raise TransientError("another worker has begun it meanwhile")
        else:
            await self._run(event, start)

    async def _run(self, event: Event, start: Start) -> None:
        attempt = start.attempt
        try:
            await self._handle(event)
        except asyncio.CancelledError:
            self._cut[event.id] = attempt
            raise
        except TransientError as error:
            if self._clock.now() - start.since < self._patience:
                await self._conclude(event, lambda: self._deliveries.release({event.id: attempt}, self._clock.now()))
                raise
            _log.warning("event_given_up", event_id=event.id, kind=event.kind, error=str(error))
            await self._bury(event, described(event, error), attempt)
        except Exception as error:
            why = described(event, error)
            if start.number < self._most:
                noted = self._deliveries.failed
                await self._conclude(event, lambda: noted(event.id, why, self._clock.now(), attempt=attempt))
                raise
            _log.exception("event_given_up", event_id=event.id, kind=event.kind)
            await self._bury(event, why, attempt)
        else:
            await self._conclude(event, lambda: self._deliveries.done(event.id, self._clock.now()))

    async def _bury(self, event: Event, why: str, attempt: str = "") -> None:
        _log.error("event_buried", event_id=event.id, kind=event.kind, why=why)
        await self._conclude(event, lambda: self._deliveries.bury(event, why, self._clock.now(), attempt=attempt))

    async def _conclude(self, event: Event, verdict: Verdict) -> None:
        # A verdict that SQL does not take is kept for the next delivery: it is written then, and nothing runs again. It
        # is bound to its attempt, so one that comes late, after others had the event, changes nothing.
        self._owed[event.id] = verdict
        while len(self._owed) > _MOST_OWED:
            del self._owed[next(iter(self._owed))]
        await verdict()
        self._owed.pop(event.id, None)


def described(event: Event, error: Exception) -> str:
    """Return the error's class and the reference under which the log has the rest; its words may hold anything."""
    return f"{type(error).__name__} (ref {stable_id('ref', event.id)})"
