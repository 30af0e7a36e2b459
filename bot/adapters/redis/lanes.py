"""Order where it matters and speed elsewhere: entries of one key one after another, keys side by side."""

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable

from bot.adapters.redis.cancelling import cancel_until_gone
from bot.adapters.redis.stream import Entry


class Lanes:
    """One task for each key that has entries. `work` tries the oldest of them, and says whether that is through; if it
    is not, the oldest is tried again, which may be one that came from a dead worker meanwhile. It must not raise."""

    def __init__(self, work: Callable[[Entry], Awaitable[bool]]) -> None:
        self._work = work
        self._lanes: dict[str, list[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._moved = asyncio.Event()
        self.held: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Put the entry into its key's lane, in stream order; one that is here already is left alone."""
        if self._closed or entry.id in self.held:
            return
        self.held[entry.id] = entry
        lane = self._lanes.get(entry.event.key)
        if lane is not None:
            insort(lane, entry, key=lambda each: each.position)
            return
        self._lanes[entry.event.key] = [entry]
        task = asyncio.create_task(self._run(entry.event.key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def room(self, most: int) -> None:
        """Wait until fewer than `most` entries are here."""
        while len(self.held) >= most:
            self._moved.clear()
            await self._moved.wait()

    async def close(self, within: float) -> None:
        """Begin nothing more; wait so many seconds for what runs, then cancel it."""
        self._closed = True
        running = set(self._tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=within)
            await cancel_until_gone(late)

    async def _run(self, key: str) -> None:
        lane = self._lanes[key]
        try:
            while lane and not self._closed:
                entry = lane[0]
                if await self._work(entry):
                    lane.remove(entry)
                    del self.held[entry.id]
                    self._moved.set()
        finally:
            del self._lanes[key]
            for entry in lane:
                del self.held[entry.id]
            self._moved.set()
