"""Two processes of one role live and speak beside each other: neither says the other's word, nor hides it."""

from dataclasses import dataclass, replace
from datetime import timedelta

from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.heartbeat import Heartbeat
from tests.fakes.waiting import wait_until


@dataclass(frozen=True, slots=True)
class OneForAll(Heartbeat):
    """A role with one key for all of its processes: the variant in which the last to beat hides the others."""

    async def beat(self, word: str = "") -> None:
        """Say it in the place of whoever said something before."""
        await Heartbeat.beat(replace(self, name="any"), word)


async def said(first: Heartbeat, second: Heartbeat) -> list[str]:
    """Let a red worker and a green one beat in turn; returns what a reader sees after each."""
    reader, found = Heartbeat(first.redis, "worker"), list[str]()
    for _ in range(2):
        await first.beat("this Redis forgets")
        found.append(await reader.word())
        await second.beat("")
        found.append(await reader.word())
    return found


async def test_a_red_worker_stays_told_by_its_name_beside_a_green_one(redis: Redis) -> None:
    first, second = (Heartbeat(redis, "worker", name=name) for name in ("w1", "w2"))
    assert await said(first, second) == ["w1: this Redis forgets"] * 4


async def test_with_one_key_for_all_the_word_comes_and_goes(redis: Redis) -> None:
    first, second = (OneForAll(redis, "worker", name=name) for name in ("w1", "w2"))
    assert await said(first, second) == ["any: this Redis forgets", ""] * 2


async def test_a_role_lives_as_long_as_one_of_its_processes_and_the_dead_are_forgotten(redis: Redis) -> None:
    reader = Heartbeat(redis, "worker")
    assert (await reader.fresh(), await reader.word()) == (False, "")
    brief, steady = (
        Heartbeat(redis, "worker", timedelta(milliseconds=lasts), name) for name, lasts in (("w1", 150), ("w2", 600))
    )
    await brief.beat("red")
    await steady.beat("red")
    assert await reader.words() == {"w1": "red", "w2": "red"}

    async def only_the_steady_one() -> bool:
        return await reader.words() == {"w2": "red"}

    await wait_until(only_the_steady_one)
    assert await reader.fresh()
    await steady.beat()
    assert await redis.smembers(keys.heartbeat("worker")) == {b"w2"}  # pyright: ignore[reportGeneralTypeIssues]

    async def nobody() -> bool:
        return not await reader.fresh() and await redis.dbsize() == 0

    await wait_until(nobody)
