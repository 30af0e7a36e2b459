"""Holds a thread's lease and writes under it when told to: `python -m tests.contracts.lease_holder URL KIND`.

KIND: fenced (writes under its lease's epoch), bare (under none: the variant that a stopped worker gets away with)."""

import asyncio
import sys
from datetime import timedelta
from typing import Any

from langgraph.checkpoint.base import empty_checkpoint

from bot.adapters.redis.checkpointer import FENCING_EPOCH, RedisSaver, open_saver
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from core.errors import TransientError

DAY = timedelta(days=1)
TTL = timedelta(milliseconds=800)


def config(epoch: int | None) -> Any:
    """Return the thread's config, as of that epoch."""
    fence = {} if epoch is None else {FENCING_EPOCH: epoch}
    return {"configurable": {"thread_id": "t", "checkpoint_ns": "", **fence}}


async def write(saver: RedisSaver, epoch: int | None, who: str) -> str:
    """Put a checkpoint; returns `written`, or the class of what refused it."""
    try:
        await saver.aput(config(epoch), empty_checkpoint(), {"source": "input", "who": who}, {})  # type: ignore[typeddict-unknown-key]
    except TransientError as refused:
        return type(refused).__name__
    return "written"


async def main(url: str, kind: str) -> None:
    """Take the lease, write, and write once more when a line comes in, whether or not the lease is still ours."""
    redis = connect(url)
    async with open_saver(url, DAY) as saver:
        lease = RedisLease(redis, ttl=TTL)
        told: asyncio.Task[str] | None = None
        try:
            async with lease("t") as held:
                epoch = held if kind == "fenced" else None
                print(await write(saver, epoch, "first"), flush=True)
                # Out of the lease's reach: like a write that was on its way already when the lease was found lost.
                told = asyncio.create_task(_when_told(saver, epoch))
                await asyncio.shield(told)
        except TransientError:
            assert told is not None, "the lease cannot be lost before the pause"
        print(await told, flush=True)
    await redis.aclose()


async def _when_told(saver: RedisSaver, epoch: int | None) -> str:
    await asyncio.to_thread(sys.stdin.readline)
    return await write(saver, epoch, "stale")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
