"""Waiting for what another task or process does, without guessing how long it takes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import monotonic


async def wait_until(check: Callable[[], object | Awaitable[object]], within: float = 10.0) -> None:
    """Return once `check` (plain or async) gives something true; AssertionError after so many seconds."""
    deadline = monotonic() + within
    while True:
        found = check()
        if await found if inspect.isawaitable(found) else found:
            return
        assert monotonic() < deadline, f"not true within {within} s"
        await asyncio.sleep(0.01)


async def comes_true(check: Callable[[], object | Awaitable[object]], within: float) -> bool:
    """Return True once `check` gives something true, False after so many seconds: what shall not happen gets a moment
    to happen in, and where it shall, as in a broken twin, as long as a slow machine needs."""
    try:
        await wait_until(check, within)
    except AssertionError:
        return False
    return True
