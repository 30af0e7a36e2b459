"""Who may run beside whom: many beside each other, or one alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.errors import TransientError


class Gate:
    """Whoever wants to be alone waits for those who are in, and keeps all others out until it has left.

    Between two of that sort those who waited are let in, so that neither sort keeps the other out for ever."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._open = asyncio.Event()
        self._open.set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._inside = 0

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Be in beside others."""
        while not self._open.is_set():
            await self._open.wait()
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    @asynccontextmanager
    async def alone(self, patience: float) -> AsyncIterator[None]:
        """Be in alone; TransientError when those who are in have not left within so many seconds."""
        async with self._turn:
            self._open.clear()
            try:
                try:
                    async with asyncio.timeout(patience):
                        await self._empty.wait()
                except TimeoutError:
                    raise TransientError("others run on, and it has to be alone") from None
                yield
            finally:
                self._open.set()
