"""An exclusive right that ends by itself when its holder dies, with a number that grows with every holder."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.cancelling import ASK_EVERY, cancel_until_gone
from bot.adapters.redis.connection import outages
from core.errors import TransientError

# The epoch is the server's time in microseconds, or one more than the last: it rises with each holder, and also over a
# counter that was lost (FLUSHALL, a replica that was behind), where a mere count would meet its old values again.
# A client that lost the answer sends it again: its own token counts as taken, with the same epoch.
_TAKE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local epoch = math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, now)
  redis.call('SET', KEYS[2], string.format('%.0f', epoch), 'EX', ARGV[3])
  return epoch
end
if redis.call('GET', KEYS[1]) == ARGV[1] then return tonumber(redis.call('GET', KEYS[2])) end
return 0
"""
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
_RELEASE_WITHIN = 1.0
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class RedisLease:
    """Leases by name: `async with lease(thread_id) as epoch`.

    A holder renews every third of `ttl`. Others wait up to `wait` (zero: one try), then get TransientError. A holder
    that could not renew in time is cancelled inside its block and leaves it with TransientError."""

    redis: Redis
    ttl: timedelta = timedelta(seconds=5)
    wait: timedelta = timedelta(seconds=60)

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[int]:
        """Hold the lease of that name while the block runs; yields the epoch, which rises with each holder."""
        token = secrets.token_hex(16)
        epoch = await self._wait_for(name, token)
        owner = asyncio.current_task()
        assert owner is not None, "a lease is held by a task"
        loss = _Loss(owner)
        renewal = asyncio.create_task(self._renew(name, token, loss))
        ours_alone = False
        try:
            try:
                yield epoch
            finally:
                renewal.cancel()
                ours_alone = loss.take_back()
        except asyncio.CancelledError:
            # Only our own cancellation becomes an error; one that came from outside goes on as it is.
            if not ours_alone:
                raise
        finally:
            await cancel_until_gone([renewal])
            # A failed release is no harm: the lease runs out by itself.
            with suppress(TransientError), outages():
                async with asyncio.timeout(_RELEASE_WITHIN):
                    await self.redis.eval(_RELEASE, 1, keys.lease(name), token)
        if loss.requests:
            raise TransientError(f"the lease of {name} was lost")

    async def _wait_for(self, name: str, token: str) -> int:
        deadline = monotonic() + self.wait.total_seconds()
        pause = 0.01
        while True:
            with outages():
                epoch = await self.redis.eval(
                    _TAKE,
                    2,
                    keys.lease(name),
                    keys.epoch(name),
                    token,
                    _milliseconds(self.ttl),
                    int(keys.EPOCH_FOR.total_seconds()),
                )
            if epoch:
                return int(epoch)
            if monotonic() >= deadline:
                raise TransientError(f"the lease of {name} is held by another worker")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, 0.25)

    async def _renew(self, name: str, token: str, loss: "_Loss") -> None:
        ttl = self.ttl.total_seconds()
        good_until = monotonic() + ttl
        # Asked each time: who is to end this may be ended while it waits, and this may not have heard the request.
        while not loss.is_over and (left := good_until - monotonic()) > 0:
            await asyncio.sleep(min(ttl / 3, left))
            asked_at = monotonic()
            # A server that hangs must not keep us waiting for longer than the lease is ours.
            with suppress(TransientError), outages():
                async with asyncio.timeout(max(0.0, good_until - asked_at)):
                    renewed = await self.redis.eval(_RENEW, 1, keys.lease(name), token, _milliseconds(self.ttl))
                if not renewed:
                    break
                good_until = asked_at + ttl
        await loss.insist()


class _Loss:
    """Our requests that the holder stop, told apart from those of others."""

    def __init__(self, owner: "asyncio.Task[object]") -> None:
        self._owner = owner
        self.is_over = False
        self.requests = 0

    async def insist(self) -> None:
        # A renewal that did not hear of its own end may come here when the holder has left: it is nobody to stop then.
        while not self.is_over:
            self.requests += 1
            self._owner.cancel()
            await asyncio.sleep(ASK_EVERY)

    def take_back(self) -> bool:
        """Undo our requests, and make no more; True when there were some and nobody else made one."""
        self.is_over = True
        for _ in range(self.requests):
            self._owner.uncancel()
        return self.requests > 0 and self._owner.cancelling() == 0


def _milliseconds(span: timedelta) -> int:
    return max(1, int(span.total_seconds() * 1000))
