"""The work on one stream: entries are taken, seen through in the order of their keys, and inherited from the dead."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

import structlog

from bot.adapters.redis.cancelling import cancel_until_gone
from bot.adapters.redis.lanes import Lanes
from bot.adapters.redis.stream import Entry, EventStream
from core.errors import TransientError
from core.event import Event

_log = structlog.get_logger(__name__)
_BLOCK = timedelta(seconds=1)
_FIRST_LOOK, _LONGEST_LOOK = 0.01, 0.25  # seconds between two looks whether another worker is through with a key
_PAGE = 100

Handler = Callable[[Event], Awaitable[None]]
Slots = Callable[[str], asyncio.Semaphore]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a dead consumer counts as alive, how long a failed entry rests (doubled from `pause` on), and about how
    many entries are taken before some are done."""

    lease: timedelta
    pause: timedelta
    longest_pause: timedelta
    most_held: int

    def rest(self, tries: int) -> float:
        """Return the seconds before the next try."""
        return min(self.pause.total_seconds() * 2 ** min(tries - 1, 20), self.longest_pause.total_seconds())


class Consumer:
    """Works on one stream until `stopping`; `slots` bounds how many entries of a kind run at once."""

    def __init__(
        self, stream: EventStream, handler: Handler, slots: Slots, pace: Pace, stopping: asyncio.Event
    ) -> None:
        self._stream = stream
        self._handler = handler
        self._slots = slots
        self._pace = pace
        self._stopping = stopping
        self._lanes = Lanes(self._step, self._load, pace.most_held)
        self._running: set[str] = set()
        self._tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> list["asyncio.Task[None]"]:
        """Begin to read and to keep up; returns the tasks, of which the first that ends ends the work."""
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._keep_up())]
        return self._tasks

    async def finish(self, grace: float) -> None:
        """Give what runs so many seconds, and then the rest to whoever comes next."""
        await self._lanes.close(grace)

    async def close(self) -> None:
        """End at once whatever is left; what did not end is in the stream then, for whoever comes next."""
        await cancel_until_gone(self._tasks)
        await self._lanes.close(0)
        try:
            await self._restore(list(self._lanes.held.values()))
        except TransientError as error:
            _log.warning("entries_not_looked_after", count=len(self._lanes.held), error=str(error))

    async def _read(self) -> None:
        after: str | None = "0"
        ready = False
        while not self._stopping.is_set():
            await self._lanes.room()
            try:
                if not ready:
                    await self._stream.open()
                    # Before the first entry is ours: nobody may think that it is a dead worker's.
                    await self._stream.stay(self._pace.lease)
                    # Whatever kept us from it may have cost it its memory. What runs is seen to when it has ended.
                    await self._restore([each for each in self._lanes.held.values() if each.id not in self._running])
                    ready = True
                    self._tried.set()
                if after is None:
                    entries = await self._stream.fresh(_BLOCK)
                else:
                    entries, after = await self._stream.mine(after)
            except TransientError as error:
                _log.warning("queue_unreachable", error=str(error))
                # An answer may have been lost on its way, and with it entries that now count as ours: ask for them.
                after, ready = "0", False
                self._tried.set()
                await self._sleep(self._pace.pause.total_seconds())
                continue
            for entry in entries:
                self._lanes.add(entry)

    async def _keep_up(self) -> None:
        lease = self._pace.lease.total_seconds()
        heirs_wait_until = 0.0
        await self._tried.wait()  # before, there may be no group; if it fails, the first round below does too
        while True:
            try:
                await self._stream.stay(self._pace.lease)
                while monotonic() >= heirs_wait_until:
                    inherited, ours = await self._stream.inherit()
                    for entry in inherited:
                        _log.info("entry_taken_over", entry=entry.id, event_id=entry.event.id)
                        self._lanes.add(entry)
                    if len(inherited) < _PAGE:
                        if ours > len(self._lanes):
                            await self._find()
                        break
            except TransientError as error:
                _log.warning("queue_upkeep_failed", error=str(error))
                # While Redis was away nobody could say that they live: the living get the time to say it again.
                heirs_wait_until = monotonic() + lease
            await asyncio.sleep(lease / 4)

    async def _find(self) -> None:
        """Take up what is ours and not in our lanes: its answer was lost on the way (the client asks again by itself,
        and gets the next entries then), or another worker had it for a moment, and we dropped it too late."""
        for entry_id in await self._stream.idle(self._pace.lease / 4):  # what came just now may be on its way
            if entry_id in self._lanes or (entry := await self._stream.load(entry_id)) is None:
                continue
            _log.warning("entry_found", entry=entry.id, event_id=entry.event.id)
            self._lanes.add(entry)

    async def _step(self, entry: Entry) -> bool:
        """Try the oldest entry of a lane; True when this worker is through with it."""
        slot = self._slots(entry.event.kind)
        look = _FIRST_LOOK
        while True:
            try:
                async with slot:
                    if self._stopping.is_set():
                        return True
                    first = await self._stream.turn(entry)
                    handled = await self._attempt(entry) if first == entry.id else False
                if first is None:
                    return await self._give_up(entry)
            except TransientError as error:
                _log.warning("turn_not_known", entry=entry.id, error=str(error))
                await self._sleep(self._pace.pause.total_seconds())
                return False
            if first == entry.id:
                return await self._settle(entry, handled)
            if first in self._lanes:
                return False  # it has just come to us, and goes before this one
            await self._sleep(look)
            look = min(look * 2, _LONGEST_LOOK)

    async def _settle(self, entry: Entry, handled: bool) -> bool:
        try:
            if handled:
                await self._stream.done(entry)
                return True
            tries = await self._stream.again(entry.id)
            if not tries:
                return await self._give_up(entry)
        except TransientError as error:
            _log.warning("entry_not_settled", entry=entry.id, event_id=entry.event.id, error=str(error))
            tries = 1
        await self._sleep(self._pace.rest(tries))
        return False

    async def _give_up(self, entry: Entry) -> bool:
        await self._restore([entry])  # else another worker has it now
        return True

    async def _restore(self, entries: Sequence[Entry]) -> None:
        if count := await self._stream.restore(entries):
            _log.error("queue_forgot", stream=self._stream.name, restored=count, not_held=len(self._lanes.left))

    async def _load(self, entry_id: str) -> Entry | None:
        while not self._stopping.is_set():
            try:
                return await self._stream.load(entry_id)
            except TransientError as error:
                _log.warning("entry_not_loaded", entry=entry_id, error=str(error))
                await self._sleep(self._pace.pause.total_seconds())
        return None

    async def _attempt(self, entry: Entry) -> bool:
        event = entry.event
        self._running.add(entry.id)
        try:
            await self._handler(event)
        except TransientError as error:
            _log.warning("event_interrupted", entry=entry.id, event_id=event.id, kind=event.kind, error=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - the job wrapper: whatever a handler raises, its event must not be lost
            _log.exception(
                "event_failed", entry=entry.id, event_id=event.id, kind=event.kind, error=type(error).__name__
            )
            return False
        finally:
            self._running.discard(entry.id)
        return True

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
