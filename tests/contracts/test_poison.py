"""An event that kills every process that runs it: a dead letter after three deaths, and nobody else is one."""

import asyncio
import multiprocessing
import signal
from pathlib import Path

from redis.asyncio import Redis

from bot.adapters.database.delivery_store import SqlDeliveries
from bot.adapters.database.engine import open_database
from bot.adapters.redis.connection import connect
from bot.adapters.redis.queue import RedisQueue
from tests.contracts.poison_worker import live
from tests.contracts.test_consume import is_empty
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.contracts.poison_worker"])


async def lived(redis: Redis, *arguments: str) -> int | None:
    """Run one worker until it is killed or nothing is left; returns how it ended, None for the latter."""
    child = _context.Process(target=live, args=arguments)
    child.start()

    async def over() -> bool:
        return child.exitcode is not None or await is_empty(redis)

    await wait_until(over, within=25)
    ended = child.exitcode
    child.kill()
    await asyncio.to_thread(child.join)
    child.close()
    return ended


async def test_a_poison_is_given_up_after_three_deaths_and_the_innocent_are_done(
    redis_url: str, database_url: str, tmp_path: Path
) -> None:
    redis, ledger = connect(redis_url), tmp_path / "ledger"
    queue = RedisQueue(redis)
    poison = an_event(kind="poison", key="poison")
    innocent = [an_event(key=f"k{number}") for number in range(6)]
    waiting = [an_event(key="poison")] + [an_event(key=f"w{number}") for number in range(30)]  # held, hardly ever begun
    for event in (poison, *innocent, *waiting):
        await queue.put(event)
    deaths = 0
    while await lived(redis, redis_url, database_url, str(ledger)) == -signal.SIGKILL:
        deaths += 1
        assert deaths < 8
    rows = SqlDeliveries(database := open_database(database_url))
    letters = await rows.dead()
    await database.close()
    await redis.aclose()
    assert [letter.id for letter in letters] == [poison.id]
    assert letters[0].event == poison
    assert deaths == 3
    assert sorted(ledger.read_text().split()) == sorted(event.id for event in (*innocent, *waiting))
