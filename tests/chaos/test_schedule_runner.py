"""What the command over seeded schedules promises: as many as were asked for, and nothing of a failure is lost."""

from pathlib import Path

import pytest

from core.approval import ApprovalStatus
from tests.chaos import schedules
from tests.chaos.inside.place import Place
from tests.chaos.machine import Schedule, tell
from tests.chaos.places import *
from tests.chaos.schedules import BrokenPromiseError, main, run_schedule
from tests.chaos.steps import RULES, Step, read_steps, steps_of
from tests.chaos.twin_stories import agreed
from tests.chaos.unguarded import outcomes_are_not_written

pytestmark = pytest.mark.timeout(60)


def test_a_seed_always_gives_the_same_steps_and_seeds_together_give_every_rule() -> None:
    assert steps_of(7) == steps_of(7) != steps_of(8)
    assert {step.rule for seed in range(50) for step in steps_of(seed)} == {"begin", *RULES}


@pytest.mark.parametrize("nonsense", ["0", "-5", "many", "2.5"])
def test_a_number_of_schedules_that_is_none_is_refused_in_a_sentence(
    nonsense: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main([f"--count={nonsense}"])
    assert end.value.code == 2
    assert "has to be 1 or more" in capsys.readouterr().err


def test_exactly_as_many_run_as_were_asked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(schedules, "steps_of", lambda seed: steps_of(seed)[:1])
    assert main(["--count", "3", "--seed", "5"]) == 0
    assert "schedules 3\n" in capsys.readouterr().out


def test_a_failure_leaves_its_seed_its_shrunk_steps_and_its_story(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [
        Step("begin", {"text": "restart checkout", "person": "U0BOB", "times": 1}),
        Step("time_passes", {"kind": "sweep", "wait": 0}),
        Step("agree", {"number": 0, "who": "U0ALICE", "wait": 300}),
        Step("repeat_verdict", {"number": 0}),
    ]
    outcomes_are_not_written(monkeypatch)
    with pytest.raises(BrokenPromiseError) as broken:
        run_schedule(place, steps, "seed 5", tmp_path / "told.txt")
    told = (tmp_path / "told.txt").read_text()
    whole, _, shrunk = told.partition("shrunk:")
    assert (read_steps(whole), read_steps(shrunk)) == (steps, [steps[0], steps[2]])
    assert "I4" in shrunk
    assert "audit 09:00:00" in shrunk
    assert told in str(broken.value)
    assert whole.splitlines()[0] in capsys.readouterr().out


def test_what_is_edited_in_the_database_after_it_was_carried_out_is_held_against_nobody(place: Place) -> None:
    def edited_afterwards(told: Schedule) -> None:
        agreed(told)
        done = place.run(told.system.pick(0, ApprovalStatus.EXECUTED))
        assert done is not None
        place.run(told.system.tamper(done))

    played = tell(place, edited_afterwards)
    assert (played.violations, played.tally["effects"]) == ([], 1)
