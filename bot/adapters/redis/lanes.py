"""Order where it matters and speed elsewhere: entries of one key one after another, keys side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from bot.adapters.redis.cancelling import cancel_until_gone
from bot.adapters.redis.stream import Entry


class Lanes:
    """One task for each key that has entries; `work` must not raise."""

    def __init__(self, work: Callable[[Entry], Awaitable[None]]) -> None:
        self._work = work
        self._lanes: dict[str, deque[Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._moved = asyncio.Event()
        self.held: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        """Append the entry to its key's lane; one that is here already is left alone."""
        if self._closed or entry.id in self.held:
            return
        self.held[entry.id] = entry
        lane = self._lanes.get(entry.event.key)
        if lane is not None:
            lane.append(entry)
            return
        self._lanes[entry.event.key] = deque([entry])
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
                entry = lane.popleft()
                try:
                    await self._work(entry)
                finally:
                    del self.held[entry.id]
                    self._moved.set()
        finally:
            del self._lanes[key]
            for entry in lane:
                del self.held[entry.id]
