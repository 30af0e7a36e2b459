"""A kill -9 at any call between and in the steps of a plan and their undos: it goes on, and nothing happens twice."""

from random import Random

import pytest

from tests.steps.stage import THREE, Killer, Stage
from tools.guard import Guard

WHOLE = ["scale payments 8", "scale checkout 6", "scale front 5"]
UNDONE = ["scale payments 8", "scale checkout 6", "scale checkout 4", "scale payments 4"]
SEEDS = (1, 2, 3)
IN_THE_DARK = {"intend after", "act before"}
"""Deaths after which the ledger holds an intent that its target knows nothing of: that is for people."""


async def story(*, fails: bool, kills: tuple[int, ...] = (), guard_class: type[Guard] = Guard) -> Stage:
    """Run a plan to its end; each number is at which call from the last death on the process dies."""
    stage = Stage(guard_class=guard_class)
    if fails:
        stage.target.refuses.add("scale_workers front")
    await stage.propose(*THREE)
    await stage.approve()
    stage.killers = [Killer(at=at) for at in kills]
    stage.restart()
    await stage.run()
    return stage


def check(stage: Stage, fails: bool) -> None:
    """Every act once and in order, up to the end or to the one of which nobody can tell."""
    done, whole = stage.target.done, UNDONE if fails else WHOLE
    ids = [act.action_id for act in stage.target.ledger]
    assert len(set(ids)) == len(ids)
    if done != whole:
        assert not IN_THE_DARK.isdisjoint(stage.deaths) or (fails and "conclude before" in stage.deaths), stage.deaths
        assert done == whole[: len(done)], stage.deaths
        assert any("A human has to look" in said for said in stage.cards.said.values()), stage.deaths


async def killed_at(fails: bool, start: int, stride: int) -> None:
    calls = len((await story(fails=fails, kills=(-1,))).killer.names)
    assert calls > 70
    for at in range(start, calls, stride):
        stage = await story(fails=fails, kills=(at,))
        assert len(stage.deaths) == 1
        check(stage, fails)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_plan_goes_on_where_it_was_killed(fails: bool) -> None:
    await killed_at(fails, 3 if fails else 1, 9)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("fails", [False, True])
async def test_a_plan_goes_on_wherever_it_was_killed(fails: bool) -> None:
    await killed_at(fails, 0, 1)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_plan_goes_on_however_often_it_is_killed(seed: int) -> None:
    random = Random(seed)
    for _ in range(3):
        fails = random.random() < 0.5
        check(await story(fails=fails, kills=tuple(random.randrange(40) for _ in range(5))), fails)


async def test_a_guard_that_forgets_its_attempts_acts_twice_and_is_caught() -> None:
    class Forgetful(Guard):
        """Broken on purpose: after a crash it does not look for what it did."""

        async def execute(self, request, grant):  # type: ignore[no-untyped-def]
            self._attempts._effects.rows.pop(request.action_id, None)  # type: ignore[attr-defined]
            return await super().execute(request, grant)

    caught = 0
    for at in range(60):
        stage = await story(fails=False, kills=(at,), guard_class=Forgetful)
        caught += stage.target.done != WHOLE
    assert caught
