"""Time that can be sped up: expiries and retry schedules run on it, message timestamps do not."""

import asyncio
import contextlib
import time


class Clock:
    """Virtual seconds that pass `scale` times as fast as real ones; changing the scale wakes every sleeper."""

    def __init__(self) -> None:
        self.scale = 1.0
        self._virtual = time.time()
        self._real = time.monotonic()
        self._changed = asyncio.Event()

    def now(self) -> float:
        """Virtual epoch seconds."""
        return self._virtual + (time.monotonic() - self._real) * self.scale

    def set_scale(self, scale: float) -> None:
        """Run `scale` times as fast from now on; raises ValueError unless positive."""
        if scale <= 0:
            raise ValueError("the scale must be positive")
        self._virtual, self._real, self.scale = self.now(), time.monotonic(), scale
        self._changed.set()
        self._changed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Sleep for virtual seconds."""
        deadline = self.now() + seconds
        while (left := deadline - self.now()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout=left / self.scale)


class TimestampMint:
    """Mints message timestamps: real time in microseconds as text, unique and increasing."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> str:
        """`seconds.microseconds`, six digits, later than every earlier one."""
        self._last = max(time.time_ns() // 1000, self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"
