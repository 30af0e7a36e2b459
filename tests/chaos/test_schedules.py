"""Seeded schedules over the whole system: whatever comes together, the seven invariants hold."""

import pytest

from tests.chaos.inside.place import Place
from tests.chaos.places import *  # noqa: F403
from tests.chaos.schedules import run_schedules

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_twenty_five_schedules_keep_every_promise(number: int, place: Place) -> None:
    assert run_schedules(place, number, 25)["schedules"] >= 25


@pytest.mark.slow
@pytest.mark.timeout(24 * 3600)
@pytest.mark.parametrize("number", range(1000, 1400))
def test_fifty_schedules_of_twenty_thousand_keep_every_promise(number: int, place: Place) -> None:
    assert run_schedules(place, number, 50)["schedules"] >= 50
