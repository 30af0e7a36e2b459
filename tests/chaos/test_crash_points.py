"""Row 1, the long form: each named point twenty times over, and what is found when a protection is gone."""

import random
from pathlib import Path

import pytest

from tests.chaos.crash_points import CrashPoint
from tests.chaos.promises import agrees
from tests.chaos.rig import open_rig, settle
from tests.chaos.roles import OWN_LEASES
from tests.chaos.story import Story, Told, recovered
from tests.chaos.table import print_row

TIMES = 20


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
        assert {"I3", "I5"} <= {each.invariant for each in await rig.violations()}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("point", list(CrashPoint), ids=lambda point: point.name)
async def test_twenty_kills_at_each_point_leave_one_effect_and_one_end(tmp_path: Path, point: CrashPoint) -> None:
    """The leases are the product's own here; an action has 2 s of patience and not 25, and 0.5 s with a lost answer."""
    first = random.SystemRandom().randrange(10**6)
    told: list[Told] = []
    async with open_rig(tmp_path, spans=OWN_LEASES) as rig:
        for seed in range(first, first + TIMES):
            told.append(await Story(rig, point, seed).run())
            await recovered(rig)
    print_row(told)
    for each in told:
        agrees(each)
