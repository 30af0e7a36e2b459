"""What befalls an approval in `benchmarks.approvals`, with our side alone: the comparison itself takes its time."""

import pytest

from benchmarks.approvals import OURS, play
from benchmarks.approvals_rows import ROWS, Row
from tests.chaos.inside.place import Place
from tests.chaos.places import *

# A worker that is killed closes nothing.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_ours_passes_each_row_of_the_comparison(place: Place, row: Row) -> None:
    seen = place.run(play(row, OURS, place))
    assert seen.right, seen.said


def test_twin_stock_fails_the_same_row(place: Place) -> None:
    late = next(row for row in ROWS if row.title == "approved a day late")
    assert not place.run(play(late, "stock, InMemorySaver", place)).right
