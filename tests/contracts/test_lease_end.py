"""A holder that leaves its block in good order is not stopped by a renewal that has not heard of the end."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import lease as leases
from bot.adapters.redis.lease import RedisLease
from tests.fakes.servers import *  # noqa: F403


async def hard_of_hearing(self: RedisLease, name: str, token: str, loss: Any) -> None:
    """A renewal whose client drops the request to end, as on Python 3.11, and that then finds the lease lost."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await loss.insist()


async def inside(lease: RedisLease) -> str:
    async with lease("thread") as epoch:
        await asyncio.sleep(0)
    return f"left as holder {bool(epoch)}"


async def test_whoever_left_is_not_stopped(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RedisLease, "_renew", hard_of_hearing)
    assert await asyncio.create_task(inside(RedisLease(valkey))) == "left as holder True"


async def test_a_loss_that_goes_on_insisting_stops_whoever_left(valkey: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    async def insist_for_ever(self: Any) -> None:
        while True:
            self._owner.cancel()
            await asyncio.sleep(0.05)

    monkeypatch.setattr(RedisLease, "_renew", hard_of_hearing)
    monkeypatch.setattr(leases._Loss, "insist", insist_for_ever)
    stopped = asyncio.create_task(inside(RedisLease(valkey)))
    with pytest.raises(asyncio.CancelledError):
        await stopped
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
