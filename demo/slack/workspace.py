"""One running workspace: its state, its clock and the parts that act on them."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from demo.slack.clock import Clock, TimestampMint
from demo.slack.delivery import Deliveries
from demo.slack.faults import Faults
from demo.slack.http_events import HttpEvents
from demo.slack.live import LiveHub
from demo.slack.rates import RateLimiter
from demo.slack.response_urls import ResponseUrls
from demo.slack.seed import seed_state
from demo.slack.sessions import Sessions
from demo.slack.socket_mode import SocketMode
from demo.slack.state import Channel, Json, Message
from demo.slack.triggers import Triggers

STREAM_LIFETIME = 300.0
_log = logging.getLogger("demo.slack")


class Workspace:
    """Holds the parts together; everything happens in the event loop that serves it."""

    def __init__(self, panels: Sequence[Json] = (), base_url: str = "") -> None:
        self.state = seed_state()
        self.panels = [dict(p) for p in panels]
        self.base_url = base_url
        self.clock = Clock()
        self.mint = TimestampMint()
        self.live = LiveHub()
        self.faults = Faults()
        self.rates = RateLimiter(self.faults)
        self.calls: deque[Json] = deque(maxlen=5000)
        self.call_count = 0
        self.triggers = Triggers(self.clock)
        self.sessions = Sessions(self)
        self.response_urls = ResponseUrls(self)
        self.sockets = SocketMode(self)
        self.http = HttpEvents(self)
        self.deliveries = Deliveries(self)
        self.abort_connection: Callable[[tuple[str, int]], bool] = lambda peer: False
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something in the background, kept alive and ended with the workspace."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            _log.error("background work failed", exc_info=task.exception())

    def expire_stream(self, message: Message) -> None:
        """End a stream that has lived its five minutes; it stays stuck until chat.update repairs it."""
        stream = message.stream
        if stream and stream.state == "streaming" and self.clock.now() - stream.started > STREAM_LIFETIME:
            stream.state = "expired"

    async def close(self) -> None:
        """Stop background work and close outgoing connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.http.close()

    def direct_message(self, one: str, other: str) -> Channel:
        """The direct message between two users, opened on first use; its id never changes."""
        first, second = sorted((one, other), key=lambda u: (self.state.users[u].is_bot, u))
        channel_id = f"D0{first[2:]}0{second[2:]}"
        channel = self.state.channels.get(channel_id)
        if channel is None:
            channel = Channel(channel_id, is_im=True, members=[first, second], created=int(self.clock.now()))
            self.state.channels[channel_id] = channel
            self.live.publish({"type": "channel", "channel": {"id": channel_id}}, channel.members)
        return channel
