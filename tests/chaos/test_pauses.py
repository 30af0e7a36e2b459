"""Row 47: a worker that sleeps past its lease while it holds a run; another takes over, and the old one is refused."""

from pathlib import Path

import pytest

from tests.chaos.crash_points import CrashPoint
from tests.chaos.rig import Message, Rig, facts, open_rig, settle
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


async def overslept(rig: Rig, point: CrashPoint) -> Message:
    """Pause the worker there, let a second one end the run, then let the first go on."""
    card = await rig.card(await rig.ask("restart shop01"), "pending")
    await settle(rig)
    (rig.roles.armed / f"{point.name}.0").write_text("stop")
    assert await rig.click(card)
    await rig.roles.stopped("worker0")
    rig.roles.keep("worker1", "worker")
    thread = card["thread_ts"]
    await wait_until(lambda: _ended(rig, thread), 30)
    rig.roles.go_on("worker0")
    await settle(rig)
    return rig.cards(thread)[-1]


def _ended(rig: Rig, thread: str) -> bool:
    return bool(rig.cards(thread, "executed", "unknown")) and len(rig.thread(thread, "note")) > 0


async def test_a_worker_that_sleeps_during_the_call_is_overtaken_and_runs_nothing_again(tmp_path: Path) -> None:
    async with open_rig(tmp_path) as rig:
        rig.target.manner, rig.target.lag = "answer late", 0.3
        card = await overslept(rig, CrashPoint.DURING_CALL)
        assert facts(card)["status"] == "executed"
        assert len(rig.target.ledger) == 1
        assert await rig.violations() == []


async def test_one_that_sleeps_before_the_call_is_called_unknown_and_acts_once_at_most(tmp_path: Path) -> None:
    async with open_rig(tmp_path) as rig:
        card = await overslept(rig, CrashPoint.INTENT_WRITTEN)
        assert facts(card)["status"] == "unknown"
        assert len(rig.target.ledger) <= 1
        assert {each.invariant for each in await rig.violations()} <= {"I4"}


async def test_without_the_intent_row_the_one_that_takes_over_acts_again(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("the intent row",)) as rig:
        rig.target.manner, rig.target.lag, rig.target.silent = "answer late", 0.3, True
        await overslept(rig, CrashPoint.DURING_CALL)
        assert "I1" in {each.invariant for each in await rig.violations()}
