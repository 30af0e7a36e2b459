"""The other half of the seeded schedules, so that two processes share them."""

import pytest

from tests.chaos.inside.place import Place
from tests.chaos.places import *  # noqa: F403
from tests.chaos.schedules import run_schedules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("number", [5, 6, 7, 8])
def test_twenty_five_more_schedules_keep_every_promise(number: int, place: Place) -> None:
    assert run_schedules(place, number, 25)["schedules"] >= 25
