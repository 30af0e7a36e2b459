"""What the open pages are told: frames for everybody who may see the thing, in order."""

import asyncio
from collections.abc import Iterable

from demo.slack.state import Json


class LiveHub:
    """Fans frames out to open pages and wakes everyone who waits for a change."""

    def __init__(self) -> None:
        self._pages: dict[asyncio.Queue[Json], str] = {}
        self._changed = asyncio.Event()

    def join(self, user_id: str) -> asyncio.Queue[Json]:
        """A queue with every frame `user_id` may see from now on; give it back with `leave`."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._pages[queue] = user_id
        return queue

    def leave(self, queue: asyncio.Queue[Json]) -> None:
        """Stop filling the queue."""
        self._pages.pop(queue, None)

    def publish(self, frame: Json, viewers: Iterable[str] | None = None) -> None:
        """Send a frame to the pages of `viewers`, or to all pages when None."""
        allowed = None if viewers is None else set(viewers)
        for queue, user_id in self._pages.items():
            if allowed is None or user_id in allowed:
                queue.put_nowait(frame)
        self._changed.set()
        self._changed = asyncio.Event()

    def next_change(self) -> asyncio.Event:
        """An event that is set at the next frame; take it before looking, so that nothing falls in between."""
        return self._changed
