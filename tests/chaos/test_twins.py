"""Each protection, taken out of the whole system, is missed: an invariant finds it within so many schedules."""

import pytest

from tests.chaos.inside.place import Place
from tests.chaos.places import *
from tests.chaos.schedules import first_broken, story_breaks
from tests.chaos.twins import TWINS, Twin

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    # A worker that is killed closes nothing.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
STORIES = [twin for twin in TWINS if twin.story]
MARKED = [pytest.param(twin, id=twin.name, marks=() if twin.story else pytest.mark.slow) for twin in TWINS]


@pytest.mark.parametrize("twin", MARKED)
def test_a_missing_protection_is_caught(twin: Twin, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    twin.take_out(monkeypatch)
    monkeypatch.setattr(place, "prepare", twin.prepare)
    if twin.story is not None:
        number, found = story_breaks(place, twin.story, twin.within)
    else:
        number, found = first_broken(place, range(twin.seed, twin.seed + twin.within), twin.only)
    print(f"{twin.name}: caught by {', '.join(sorted(found)) or 'nothing'} in number {number} of seed {twin.seed}")
    assert found & twin.caught_by, f"{number} schedules, found by {found}"


@pytest.mark.parametrize("twin", STORIES, ids=[twin.name for twin in STORIES])
def test_the_story_of_a_twin_breaks_nothing_while_all_protections_are_there(twin: Twin, place: Place) -> None:
    assert twin.story is not None
    assert story_breaks(place, twin.story, 1) == (1, set())
