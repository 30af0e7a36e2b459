"""The table of faults names tests that are there, and every row of it has a twin."""

import re
from pathlib import Path

import pytest

from tests.chaos.matrix import ROWS, table
from tests.chaos.matrix_row import Row

TESTS = Path(__file__).parents[1]
IDS = [row.number for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_test_that_a_row_names_is_there(row: Row) -> None:
    for named in (*row.tests, *row.twins):
        file, name = named.split("::")
        source = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), named


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_row_has_a_test_and_a_twin_that_is_another(row: Row) -> None:
    assert row.tests
    assert row.twins
    assert not set(row.tests) & set(row.twins)


def test_the_rows_are_those_that_were_asked_for() -> None:
    asked = [*range(1, 12), 17, *range(22, 35), 41, 42, 46, 47, 48]
    assert [row.number for row in ROWS if row.number.isdigit()] == [str(number) for number in asked]


def test_a_test_that_was_run_carries_its_outcome() -> None:
    first = ROWS[0].tests[0]
    assert f"{first} PASSED" in "\n".join(table({f"tests/{first}": "PASSED"}))
