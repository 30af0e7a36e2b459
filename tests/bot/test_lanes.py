"""Lanes outlive what breaks their task off: an entry that is held and not worked on would wait for ever."""

import asyncio
from collections.abc import Callable

import pytest

from bot.adapters.redis.lanes import Lanes
from bot.adapters.redis.stream import Entry
from tests.fakes.examples import an_event
from tests.fakes.waiting import wait_until


class Once(Lanes):
    """The broken variant: a lane's task is begun with its first entry, and never again."""

    def _begin(self, key: str, lane: list[str]) -> None:
        task = asyncio.create_task(self._run(key, lane))
        task.add_done_callback(taken_note_of)
        self._tasks.add(task)


def cancel() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


def fail() -> None:
    raise RuntimeError("may not happen, it was said")


def taken_note_of(task: "asyncio.Task[None]") -> None:
    task.cancelled() or task.exception()


async def worked_on(kind: type[Lanes], trouble: Callable[[], None]) -> list[str]:
    """Return which of two entries of one key were seen through, when the first try of the first meets that trouble."""
    tries, seen = list[str](), list[str]()

    async def work(entry: Entry) -> bool:
        tries.append(entry.id)
        if len(tries) == 1:
            trouble()
            await asyncio.sleep(0)
        seen.append(entry.id)
        return True

    async def load(_entry_id: str) -> Entry | None:
        return None

    lanes = kind(work, load, 10)
    for name in ("1-0", "2-0"):
        lanes.add(Entry(name, an_event(key="same")))
    try:
        await wait_until(lambda: len(seen) == 2, within=0.5)
    except AssertionError:
        return seen
    finally:
        await lanes.close(0)
    return seen


@pytest.mark.parametrize("trouble", [cancel, fail])
async def test_a_lane_whose_task_was_broken_off_goes_on_with_the_same_entry(trouble: Callable[[], None]) -> None:
    assert await worked_on(Lanes, trouble) == ["1-0", "2-0"]


@pytest.mark.parametrize("trouble", [cancel, fail])
async def test_without_a_new_beginning_they_wait_for_ever(trouble: Callable[[], None]) -> None:
    assert await worked_on(Once, trouble) == []
