"""The third hundred of the seeded schedules, in a file of its own so that processes share them."""

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


@pytest.mark.parametrize("first", range(201, 301, 20))
def test_twenty_of_the_third_hundred_keep_every_promise(first: int, place: Place, tmp_path: Path) -> None:
    assert run_schedules(place, range(first, first + 20), tmp_path)["schedules"] == 20
