"""Queues that fail the way a Redis does: refused at once, or no answer at all."""

import asyncio

from core.errors import TransientError
from core.event import Event


class UnreachableQueue:
    """Implements core.ports.Queue for a Redis that is gone."""

    async def put(self, event: Event) -> bool:
        """Refuse."""
        raise TransientError("redis: ConnectionError")


class SilentQueue:
    """Implements core.ports.Queue for a Redis behind a black hole."""

    async def put(self, event: Event) -> bool:
        """Wait for ever."""
        await asyncio.Event().wait()
        return True
