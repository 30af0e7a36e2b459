"""Row 1: kill -9 at each named point in a rollback; one effect at most, one visible end, and soon."""

import pytest

from tests.chaos.crash_points import UNDONE, CrashPoint
from tests.chaos.promises import holds
from tests.chaos.rig import Rig

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


@pytest.mark.parametrize("point", UNDONE, ids=lambda point: point.name)
async def test_a_kill_there_leaves_one_effect_and_one_end(rig: Rig, point: CrashPoint) -> None:
    await holds(rig, point)
