"""Ending tasks that talk to Redis, and waiting no longer for them than one said.

Both clients send inside `asyncio.wait_for`, which on Python 3.11 drops a cancellation that arrives just as the send is
done: the task then goes on as if nobody had asked. So one asks until it is gone.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")

ASK_EVERY = 0.5
"""Seconds between two requests; long enough for an orderly clean-up between them."""


async def cancel_until_gone(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel the tasks and return when all have ended; what they raise is not looked at."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=ASK_EVERY)


async def answer_within(seconds: float, work: Awaitable[T]) -> T:
    """Return what `work` returns; TimeoutError after so many seconds, even where the work does not hear that it is
    cancelled and goes on for as long as its client tries."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
