"""Seeded schedules over the whole system: whatever comes together, the seven invariants hold."""

from pathlib import Path

import pytest

from tests.chaos.inside.place import Place
from tests.chaos.places import *
from tests.chaos.schedules import run_schedules

pytestmark = [
    pytest.mark.timeout(150),
    # A worker that is killed closes nothing.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("first", range(1, 101, 20))
def test_twenty_schedules_keep_every_promise(first: int, place: Place, tmp_path: Path) -> None:
    assert run_schedules(place, range(first, first + 20), tmp_path)["schedules"] == 20


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(1000, 2000, 50))
def test_fifty_schedules_of_a_thousand_keep_every_promise(first: int, place: Place, tmp_path: Path) -> None:
    assert run_schedules(place, range(first, first + 50), tmp_path)["schedules"] == 50
