"""Row 1: kill -9 at each named point; at most one effect, nothing acknowledged lost, one visible end, quick recovery."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.crash_points import CrashPoint
from tests.chaos.rig import Rig, open_rig
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


def agrees(told: Told) -> None:
    """Hold one run to the row's promises."""
    assert told.hit, f"{told.point} (seed {told.seed}) was never reached"
    assert not told.violations, f"seed {told.seed}: {told.violations}"
    assert told.effects == (2 if told.point.startswith("ROLLBACK") else 1), told
    assert told.effect is None or told.effect <= RECOVERED_WITHIN, told


@pytest.mark.parametrize("point", list(CrashPoint), ids=lambda point: point.name)
async def test_a_kill_there_leaves_one_effect_and_one_end(rig: Rig, point: CrashPoint) -> None:
    told = await Story(rig, point, 0).run()
    await recovered(rig)
    agrees(told)


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
