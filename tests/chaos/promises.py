"""What each kill is held to, whoever did the killing."""

from tests.chaos.crash_points import CrashPoint
from tests.chaos.rig import Rig
from tests.chaos.story import Story, Told, recovered

RECOVERED_WITHIN = 8.0
_NEVER_CALLED = ("INTENT_WRITTEN", "ROLLBACK_INTENT_WRITTEN")


async def holds(rig: Rig, point: CrashPoint, seed: int = 0) -> None:
    """Kill there once and hold the run to its promises."""
    told = await Story(rig, point, seed).run()
    await recovered(rig)
    agrees(told)


def agrees(told: Told) -> None:
    """Hold one run to the row's promises; what nobody can know ends in front of a human, and never a second time."""
    assert told.kills == 1, f"{told.point} (seed {told.seed}) was reached {told.kills} times"
    assert not told.violations, f"seed {told.seed}: {told.violations}"
    approvals = 2 if told.point.startswith("ROLLBACK") else 1
    unknown = told.status == "unknown"
    assert told.effects == approvals - unknown, told
    assert unknown == (told.point in _NEVER_CALLED) or told.point.endswith("DURING_CALL"), told
    assert told.effect is None or told.effect <= RECOVERED_WITHIN, told
