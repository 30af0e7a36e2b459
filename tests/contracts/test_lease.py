"""One holder at a time, for as long as it lives, and never one who only thinks so."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from core.errors import TransientError
from tests.fakes.processes import end
from tests.fakes.running_bot import ROOT
from tests.fakes.servers import start_redis

SHORT = timedelta(milliseconds=300)
NO_WAIT = timedelta(0)


async def most_inside(lease: Callable[[str], AbstractAsyncContextManager[int]]) -> tuple[int, list[int]]:
    """Let ten tasks into a block and return how many were in it at once, and their epochs in order."""
    inside = most = 0
    epochs: list[int] = []

    async def enter() -> None:
        nonlocal inside, most
        async with lease("incident:INC-1") as epoch:
            epochs.append(epoch)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(enter() for _ in range(10)))
    return most, epochs


async def test_one_is_inside_at_a_time_and_epochs_rise(redis: Redis) -> None:
    most, epochs = await most_inside(RedisLease(redis))
    assert (most, len(set(epochs))) == (1, 10)
    assert epochs == sorted(epochs)


async def test_without_a_lease_many_are_inside(valkey: Redis) -> None:
    @asynccontextmanager
    async def open_door(name: str) -> AsyncIterator[int]:
        yield 1

    most, _ = await most_inside(open_door)
    assert most == 10


async def test_other_names_do_not_wait(redis: Redis) -> None:
    lease = RedisLease(redis, wait=NO_WAIT)
    async with lease("a:b"), lease("a"), lease("a%3Ab"):
        assert len(await redis.keys("watchkeeper:lease:*")) == 3


async def test_a_busy_lease_is_a_passing_fault_after_the_wait(redis: Redis) -> None:
    async with RedisLease(redis)("t"):
        with pytest.raises(TransientError, match="held by another"):
            async with RedisLease(redis, wait=timedelta(milliseconds=50))("t"):
                pytest.fail("two holders")


async def test_a_holder_keeps_its_lease_beyond_the_ttl(valkey: Redis) -> None:
    async with RedisLease(valkey, ttl=timedelta(seconds=1.5))("t"):
        await asyncio.sleep(2)
        with pytest.raises(TransientError):
            async with RedisLease(valkey, wait=NO_WAIT)("t"):
                pytest.fail("two holders")


async def test_the_lease_of_a_dead_holder_runs_out(valkey: Redis) -> None:
    await valkey.set(keys.lease("t"), "token of the dead", px=200)
    async with RedisLease(valkey, wait=timedelta(seconds=2))("t"):
        assert await valkey.get(keys.lease("t")) != b"token of the dead"


async def stand(
    lease: RedisLease, then: Callable[[], Awaitable[object]], deaf: bool = False, left_at: list[float] | None = None
) -> None:
    """Take the lease of t, do something, and stay; a deaf holder drops the first cancellation, as a client may."""
    async with lease("t"):
        await then()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            if left_at is not None:
                left_at.append(monotonic())
            if not deaf:
                raise
        else:
            pytest.fail("it went on without the lease")


async def test_a_holder_that_lost_its_lease_is_stopped(valkey: Redis) -> None:
    with pytest.raises(TransientError, match="was lost"):
        await stand(RedisLease(valkey, ttl=SHORT), lambda: valkey.set(keys.lease("t"), "another's token"))
    assert await valkey.get(keys.lease("t")) == b"another's token"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_holder_that_does_not_hear_of_its_loss_is_told_at_the_end(valkey: Redis) -> None:
    with pytest.raises(TransientError, match="was lost"):
        await stand(RedisLease(valkey, ttl=SHORT), lambda: valkey.delete(keys.lease("t")), deaf=True)


async def test_a_cancellation_from_outside_stays_one_and_frees_the_lease(redis: Redis) -> None:
    entered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        async with RedisLease(redis)("t") as epoch:
            entered.set_result(epoch)
            await asyncio.sleep(30)

    task = asyncio.create_task(hold())
    first = await entered
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with RedisLease(redis, wait=NO_WAIT)("t") as epoch:
        assert epoch > first


async def test_an_error_in_the_block_comes_out_as_it_is(redis: Redis) -> None:
    with pytest.raises(KeyError):
        async with RedisLease(redis)("t"):
            raise KeyError
    assert await redis.keys("watchkeeper:lease:*") == []


async def epoch_of(redis: Redis) -> int:
    async with RedisLease(redis, wait=NO_WAIT)("t") as epoch:
        return epoch


async def epochs_around(redis: Redis, mishap: Callable[[], Awaitable[object]], takes: int = 3) -> list[int]:
    """Take the lease so many times before something happens to the server, and once after it."""
    before = [await epoch_of(redis) for _ in range(takes)]
    await mishap()
    return [*before, await epoch_of(redis)]


async def test_epochs_rise_over_a_server_that_lost_everything(redis: Redis) -> None:
    epochs = await epochs_around(redis, redis.flushall)
    assert epochs == sorted(set(epochs))


async def test_epochs_rise_over_a_replica_that_was_behind(redis: Redis) -> None:
    await epoch_of(redis)
    behind: Any = await redis.get(keys.epoch("t"))
    epochs = await epochs_around(redis, lambda: redis.set(keys.epoch("t"), behind))
    assert epochs == sorted(set(epochs))


async def test_epochs_rise_over_a_clock_that_was_set_back(redis: Redis) -> None:
    ahead = await epoch_of(redis) + 3_600_000_000
    epochs = await epochs_around(redis, lambda: redis.set(keys.epoch("t"), ahead))
    assert epochs[-1] == ahead + 1


async def test_a_mere_count_meets_its_old_values_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    count = "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return redis.call('INCR', KEYS[2]) end"
    monkeypatch.setattr("bot.adapters.redis.lease._TAKE", count)
    assert await epochs_around(redis, redis.flushall) == [1, 2, 3, 1]


async def test_every_key_of_a_lease_runs_out(redis: Redis) -> None:
    async with RedisLease(redis)("t"):
        assert 0 < await redis.pttl(keys.lease("t")) <= 5_000
        assert 0 < await redis.ttl(keys.epoch("t")) <= keys.EPOCH_FOR.total_seconds()


_TICK = """
import asyncio, sys
from datetime import timedelta
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from bot.adapters.scheduler import Ticker

async def main():
    async def tick():
        print("ticks", flush=True)
        await asyncio.Event().wait()
    given = {"ttl": timedelta(seconds=int(sys.argv[2]))} if sys.argv[2] else {}
    lease = RedisLease(connect("unix://" + sys.argv[1]), wait=timedelta(0), **given)
    Ticker("sweeper", tick, timedelta(milliseconds=50), lease).start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def nobody_ticks_for(redis: Redis, ttl: str) -> float:
    """Kill a process in the middle of a tick; returns for how many seconds the lease stands at most."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _TICK,
        redis.connection_pool.connection_kwargs["path"],
        ttl,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert child.stdout is not None
        assert (await child.stdout.readline()).strip() == b"ticks"
    finally:
        child.kill()
        await child.wait()
    return await redis.pttl(keys.lease("sweeper")) / 1000


async def test_a_killed_workers_tick_is_free_again_within_five_seconds(valkey: Redis) -> None:
    assert 0 < await nobody_ticks_for(valkey, "") <= 5


async def test_with_a_long_lease_nobody_sweeps_after_a_kill(valkey: Redis) -> None:
    assert await nobody_ticks_for(valkey, "30") > 25


async def test_a_holder_that_cannot_renew_stops_before_another_may_begin(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / "redis", "valkey")
    client = connect(url)

    async def freeze() -> None:
        child.send_signal(signal.SIGSTOP)

    try:
        left_at: list[float] = []
        began = monotonic()
        with pytest.raises(TransientError, match="was lost"):
            await stand(RedisLease(client, ttl=SHORT), freeze, left_at=left_at)
        assert left_at[0] - began < SHORT.total_seconds() + 0.7
    finally:
        child.send_signal(signal.SIGCONT)
        await client.aclose()
        end(child)
