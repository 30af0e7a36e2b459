"""A worker that an event of kind `poison` kills."""

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import open_database
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from bot.delivery import Delivery
from core.event import Event


async def _live(redis_url: str, database_url: str, ledger: str) -> None:
    database = open_database(database_url)

    async def handle(event: Event) -> None:
        if event.kind == "poison":
            await asyncio.sleep(0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0.25)  # nobody who began beside the poison ends
        with Path(ledger).open("a") as file:
            file.write(f"{event.id}\n")

    queue = RedisQueue(connect(redis_url), consumer=f"w{os.getpid()}", lease=timedelta(seconds=0.4))
    await queue.consume(Delivery(handle, SqlDeliveries(database), SystemClock()).handle)


def live(redis_url: str, database_url: str, ledger: str) -> None:
    """Handle events until it is killed; whoever ends in good order gets a line in the ledger."""
    asyncio.run(_live(redis_url, database_url, ledger))
