"""A worker whose process stands still past its lease: whoever follows it goes on, and its next write is refused."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.adapters.redis.checkpointer import open_saver
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from tests.contracts.lease_holder import DAY, config, write
from tests.fakes.running_bot import ROOT


@asynccontextmanager
async def holder(url: str, kind: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contracts.lease_holder", url, kind),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGCONT)
            child.kill()
        await child.wait()


async def line(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    return (await child.stdout.readline()).decode().strip()


async def overtaken(url: str, kind: str) -> tuple[str, str]:
    """Stop a holder, follow it, and let it go on; returns what became of its write, and whose the state is."""
    redis = connect(url)
    async with holder(url, kind) as child, open_saver(url, DAY) as saver:
        assert await line(child) == "written"
        child.send_signal(signal.SIGSTOP)
        async with RedisLease(redis, wait=timedelta(seconds=5))("t") as epoch:
            mine = epoch if kind == "fenced" else None
            assert await write(saver, mine, "heir") == "written"
            child.send_signal(signal.SIGCONT)
            assert child.stdin is not None
            child.stdin.write(b"go on\n")
            outcome = await line(child)
            latest = await saver.aget_tuple(config(mine))
    await redis.aclose()
    assert latest is not None
    return outcome, str(latest.metadata.get("who"))


async def test_the_stale_worker_is_refused_on_its_next_write(redis_url: str) -> None:
    assert await overtaken(redis_url, "fenced") == ("FencedError", "heir")


async def test_without_the_epoch_the_stale_worker_overwrites_the_state(redis_url: str) -> None:
    assert await overtaken(redis_url, "bare") == ("written", "stale")
