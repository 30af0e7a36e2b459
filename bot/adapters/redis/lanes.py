"""Order where it matters and speed elsewhere: entries of one key one after another, keys side by side."""

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable

import structlog

from bot.adapters.redis.cancelling import cancel_until_gone
from bot.adapters.redis.stream import Entry, position

_log = structlog.get_logger(__name__)
_SHORT = 10

Work = Callable[[Entry], Awaitable[bool]]
Load = Callable[[str], Awaitable[Entry | None]]


class Lanes:
    """One task for each key that has entries. `work` tries the oldest of them, and says whether that is through; if it
    is not, the oldest is tried again, which may be one that came from a dead worker meanwhile.

    About `most` entries are held in memory. No key has more than half of them, so that a stuck one stops no other: of
    what comes beyond that only the id is kept, and `load` brings the rest when its turn comes (None: it is gone).
    Neither may raise."""

    def __init__(self, work: Work, load: Load, most: int) -> None:
        self._work = work
        self._load = load
        self._most = most
        self._lanes: dict[str, list[str]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._moved = asyncio.Event()
        self.held: dict[str, Entry] = {}
        self.left: set[str] = set()

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self.held or entry_id in self.left

    def __len__(self) -> int:
        return len(self.held) + len(self.left)

    def add(self, entry: Entry) -> None:
        """Put the entry into its key's lane, in stream order; one that is here already is left alone."""
        if self._closed or entry.id in self:
            return
        key = entry.event.key
        lane = self._lanes.setdefault(key, [])
        if len(lane) < _SHORT or len(self.held) < self._most // 2:
            self.held[entry.id] = entry
        else:
            self.left.add(entry.id)
        insort(lane, entry.id, key=position)
        if len(lane) == 1:
            self._begin(key, lane)

    async def room(self) -> None:
        """Wait until another entry may be held."""
        while len(self.held) >= self._most:
            self._moved.clear()
            await self._moved.wait()

    async def close(self, within: float) -> None:
        """Begin nothing more; wait so many seconds for what runs, then cancel it. What did not end stays in `held`."""
        self._closed = True
        running = set(self._tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=within)
            await cancel_until_gone(late)

    def _begin(self, key: str, lane: list[str]) -> None:
        task = asyncio.create_task(self._run(key, lane))
        self._tasks.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if lane and not self._closed and (error is None or isinstance(error, Exception)):
                # Say, by a cancellation that was meant for something inside and came late.
                why = "cancelled" if error is None else type(error).__name__
                _log.error("lane_broken_off", key=key, waiting=len(lane), error=why)
                self._begin(key, lane)

        task.add_done_callback(ended)

    async def _run(self, key: str, lane: list[str]) -> None:
        while lane and not self._closed:
            first = lane[0]
            entry = self.held.get(first) or await self._fetch(first)
            if entry is None or await self._work(entry):
                lane.remove(first)
                self.held.pop(first, None)
                self.left.discard(first)
                self._moved.set()
        del self._lanes[key]

    async def _fetch(self, entry_id: str) -> Entry | None:
        entry = await self._load(entry_id)
        if entry is not None:
            self.left.discard(entry_id)
            self.held[entry_id] = entry
        return entry
