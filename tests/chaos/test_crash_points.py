"""Row 1: kill -9 at each named point; one effect at most, nothing acknowledged lost, one visible end, and soon."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.crash_points import CrashPoint
from tests.chaos.rig import Rig, open_rig, settle
from tests.chaos.story import Story, Told, recovered
from tests.chaos.table import print_table

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

RECOVERED_WITHIN = 8.0
LONG = 20


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One rig for all points of this module; every run leaves it quiet."""
    async with open_rig(tmp_path_factory.mktemp("kills")) as running:
        yield running


_NEVER_CALLED = ("INTENT_WRITTEN", "ROLLBACK_INTENT_WRITTEN")


def agrees(told: Told) -> None:
    """Hold one run to the row's promises; what nobody can know ends in front of a human, and never a second time."""
    assert told.kills == 1, f"{told.point} (seed {told.seed}) was reached {told.kills} times"
    assert not told.violations, f"seed {told.seed}: {told.violations}"
    approvals = 2 if told.point.startswith("ROLLBACK") else 1
    unknown = told.status == "unknown"
    assert told.effects == approvals - unknown, told
    assert unknown == (told.point in _NEVER_CALLED) or told.point.endswith("DURING_CALL"), told
    assert told.effect is None or told.effect <= RECOVERED_WITHIN, told


@pytest.mark.parametrize("point", list(CrashPoint), ids=lambda point: point.name)
async def test_a_kill_there_leaves_one_effect_and_one_end(rig: Rig, point: CrashPoint) -> None:
    told = await Story(rig, point, 0).run()
    await recovered(rig)
    agrees(told)


async def test_without_the_intent_row_a_kill_after_the_effect_is_a_second_effect(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("the intent row",)) as rig:
        rig.target.silent = True
        told = await Story(rig, CrashPoint.OUTCOME_UNWRITTEN, 0, "restart shop01").run()
        assert told.effects == 2
        assert "I1" in {each.invariant for each in told.violations}


async def test_an_answer_before_the_durable_write_is_a_click_lost(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("the durable write",)) as rig:
        card = await rig.card(await rig.ask("restart shop01"), "pending")
        assert await rig.click(card)
        await settle(rig)
        assert "I5" in {each.invariant for each in await rig.violations()}


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_twenty_kills_at_each_point_leave_one_effect_and_one_end(tmp_path: Path) -> None:
    first = random.SystemRandom().randrange(10**6)
    print(f"\nseeds {first} to {first + LONG - 1}")
    all_told: list[Told] = []
    for point in CrashPoint:
        folder = tmp_path / point.name
        folder.mkdir()
        async with open_rig(folder) as rig:
            for seed in range(first, first + LONG):
                all_told.append(await Story(rig, point, seed).run())
                await recovered(rig)
        print_table(all_told[-LONG:], header=point is next(iter(CrashPoint)))
    for told in all_told:
        agrees(told)
