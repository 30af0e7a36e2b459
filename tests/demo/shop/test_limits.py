"""The limits of a service: worker slots, connections and the log volume."""

import asyncio
import errno
import json
from pathlib import Path

import pytest

from demo.shop.service.capacity import Capacity
from demo.shop.service.log_volume import LogVolume, ServiceLog
from tests.fakes.waiting import wait_until


async def test_those_who_wait_are_served_in_order() -> None:
    capacity, served = Capacity(1), list[int]()

    async def take(number: int) -> None:
        await capacity.acquire()
        served.append(number)

    await capacity.acquire()
    waiting = [asyncio.create_task(take(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert served == []
    for _ in range(3):
        capacity.release()
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2]


async def test_whoever_waits_too_long_leaves_and_takes_nothing() -> None:
    capacity = Capacity(1)
    await capacity.acquire()
    with pytest.raises(TimeoutError):
        await capacity.acquire(0.01)
    capacity.release()
    assert capacity.in_use == 0


async def test_a_unit_handed_to_a_caller_who_is_cancelled_in_that_moment_is_not_lost() -> None:
    capacity = Capacity(1)
    await capacity.acquire()
    waiting = asyncio.create_task(capacity.acquire())
    await asyncio.sleep(0)
    capacity.release()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert capacity.in_use == 0


async def test_more_slots_let_the_waiting_in_and_fewer_push_nobody_out() -> None:
    capacity = Capacity(1)
    await capacity.acquire()
    waiting = asyncio.create_task(capacity.acquire())
    await asyncio.sleep(0)
    capacity.resize(2)
    await asyncio.wait_for(waiting, 1)
    capacity.resize(1)
    assert (capacity.in_use, capacity.exhausted) == (2, True)
    capacity.release()
    assert capacity.exhausted
    capacity.release()
    assert not capacity.exhausted


def write_until_full(log: ServiceLog) -> None:
    for _ in range(10_000):
        log.journal("info", "order accepted")


def test_a_full_volume_refuses_what_must_be_kept_and_survives_the_rest(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    failures: list[int] = []
    volume = LogVolume(tmp_path, "checkout", size=20_000)
    log = ServiceLog(volume, "checkout", "1.0.0", lambda: failures.append(1))
    with pytest.raises(OSError, match="No space left") as caught:
        write_until_full(log)
    assert caught.value.errno == errno.ENOSPC
    log.write("info", "does not matter")
    log.flood(5)
    assert len(failures) == 3
    assert volume.full
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == volume.used <= 20_000
    complaints = [json.loads(line) for line in capfdbinary.readouterr().err.splitlines()]
    assert [line["msg"] for line in complaints] == ["log write failed"]
    assert "No space left" in complaints[0]["error"]


def test_a_new_process_makes_room_on_a_full_volume_and_keeps_the_lines_of_one_with_room(tmp_path: Path) -> None:
    log = ServiceLog(LogVolume(tmp_path, "payments", size=40_000), "payments", "1.0.0", lambda: None)
    log.write("fatal", "exiting")
    assert "exiting" in (tmp_path / "payments.log").read_text()
    assert LogVolume(tmp_path, "payments", size=40_000).used == log.volume.used
    log.flood(30)
    assert LogVolume(tmp_path, "payments", size=40_000).used < 1_000
    assert (tmp_path / "payments.debug.log").read_bytes() == b""


async def test_a_log_that_grows_is_turned_over_within_its_volume(tmp_path: Path) -> None:
    volume = LogVolume(tmp_path, "front")
    log = ServiceLog(volume, "front", "1.0.0", lambda: None)
    for _ in range(1_500):
        log.journal("info", "request served", padding="x" * 700)
    await wait_until((tmp_path / "front.log.1").exists)
    assert volume.used < volume.size / 2
