"""The worker role at work: takes events, ticks, and beats so that the web role knows that it lives."""

import asyncio
from dataclasses import dataclass

from bot.adapters.redis.heartbeat import Heartbeat
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.scheduler import Ticker
from bot.delivery import Delivery

_GRACE = 3.0
_CONCURRENCY = 32


@dataclass(frozen=True, slots=True)
class WorkerRole:
    """Everything the worker role runs; built by bootstrap."""

    queue: RedisQueue
    delivery: Delivery
    heartbeat: Heartbeat
    tickers: tuple[Ticker, ...]

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set; what is under way then gets three seconds, and the rest is delivered again."""
        consuming = asyncio.create_task(self.queue.consume(self.delivery.handle, _CONCURRENCY, _GRACE))
        stopped = asyncio.create_task(stopping.wait())
        await self.heartbeat.beat()
        print("worker: taking events", flush=True)
        for ticker in self.tickers:
            ticker.start()
        try:
            await asyncio.wait({consuming, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            for ticker in self.tickers:
                ticker.stop()
            self.queue.stop()
            try:
                await consuming
            finally:
                await self.delivery.close()
