"""A counted resource with a waiting line: worker slots and database connections are both one of these."""

import asyncio
from collections import deque


class Capacity:
    """At most `size` holders at a time; the others wait in order of arrival. The size may change at any time."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.in_use = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def exhausted(self) -> bool:
        return self.in_use >= self.size

    async def acquire(self, within_s: float | None = None) -> None:
        """Take one unit. Raises TimeoutError after `within_s` seconds (None waits for ever)."""
        if not self.exhausted and not self._waiting:
            self.in_use += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(within_s):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.release()  # the unit was handed over in the very tick in which we gave up
            else:
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        self.in_use -= 1
        self._hand_over()

    def resize(self, size: int) -> None:
        self.size = size
        self._hand_over()

    def _hand_over(self) -> None:
        while self._waiting and not self.exhausted:
            turn = self._waiting.popleft()
            if turn.done():
                continue
            self.in_use += 1
            turn.set_result(None)
