"""Figures read as people say them."""

import pytest

from core.figures import figure


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.6657, "ratio", "66.6 %"),
        (0.0004, "ratio", "0.04 %"),
        (0.0, "ratio", "0 %"),
        (0.35, "s", "350 ms"),
        (12.5, "s", "12.5 s"),
        (1.5 * 1024**3, "bytes", "1.5 GiB"),
        (8.0, "1/s", "8 /s"),
        (12345.6, "", "12,346"),
    ],
)
def test_a_figure_carries_its_unit(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text
