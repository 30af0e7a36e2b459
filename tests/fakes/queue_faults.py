"""Queues that fail the way a Redis does: refused at once, or no answer at all."""

import asyncio
from collections.abc import Sequence

from core.errors import TransientError
from core.event import Event


class UnreachableQueue:
    """Implements core.ports.Queue and Inbox for a Redis that is gone."""

    async def put(self, event: Event, signature: str = "") -> bool:
        """Refuse."""
        raise TransientError("redis: ConnectionError")

    async def put_many(self, events: Sequence[Event]) -> list[bool]:
        """Refuse."""
        raise TransientError("redis: ConnectionError")


class SilentQueue:
    """Implements core.ports.Queue and Inbox for a Redis behind a black hole."""

    async def put(self, event: Event, signature: str = "") -> bool:
        """Wait for ever."""
        await asyncio.Event().wait()
        return True

    async def put_many(self, events: Sequence[Event]) -> list[bool]:
        """Wait for ever."""
        return [await self.put(event) for event in events]
