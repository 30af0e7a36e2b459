"""A holder that leaves its block in good order is not stopped by a renewal that has not heard of the end."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import lease as leases
from bot.adapters.redis.lease import RedisLease
from core.errors import TransientError
from tests.fakes.servers import *


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


class Deaf:
    """A client that drops the request to end which comes while a lease is renewed, as redis-py can on Python 3.11."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.renewing = asyncio.Event()

    async def eval(self, script: str, *args: Any) -> Any:
        if script == leases._RENEW and not self.renewing.is_set():
            self.renewing.set()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return await self._redis.eval(script, *args)


async def free_again(redis: Redis) -> bool:
    """Stop a holder twice, while it waits for a renewal that has not heard of the first; returns whether anybody else
    gets the lease within four times its time."""
    deaf: Any = Deaf(redis)
    ttl = timedelta(seconds=0.3)

    async def hold() -> None:
        async with RedisLease(deaf, ttl=ttl)("thread"):
            await asyncio.sleep(60)

    holder = asyncio.create_task(hold())
    await deaf.renewing.wait()
    for _ in range(2):
        holder.cancel()
        await asyncio.sleep(0)
    with suppress(asyncio.CancelledError):
        await holder
    try:
        async with RedisLease(redis, ttl=ttl, wait=4 * ttl)("thread"):
            return True
    except TransientError:
        return False


async def test_whoever_is_stopped_twice_leaves_nobody_who_renews_for_ever(valkey: Redis) -> None:
    assert await free_again(valkey)


async def test_twin_a_renewal_that_does_not_ask_goes_on_for_ever(
    valkey: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NeverOver(leases._Loss):
        @property
        def is_over(self) -> bool:
            return False

        @is_over.setter
        def is_over(self, value: bool) -> None: ...

    monkeypatch.setattr(leases, "_Loss", NeverOver)
    assert not await free_again(valkey)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
