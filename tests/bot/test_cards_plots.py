"""Plots are pictures whatever is written on them, and only those who draw load the library."""

import struct
import subprocess
import sys

import pytest

from bot import plots
from bot.web.svg_plot import build_svg
from core.figures import figure
from core.series import Series

NASTY = "$\\frac{1}{0}$ \u202e 漢字 🔥 \x00 {x} %"


def size_of(png: bytes) -> tuple[int, int]:
    """Return width and height from a PNG's header."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


@pytest.mark.parametrize("unit", ["s", "bytes", "ratio", "1/s", ""])
async def test_a_line_with_threshold_and_marks_becomes_a_crisp_picture(unit: str) -> None:
    marks = ((10.0, NASTY), (11.0, "alert"), (0.0, "deploy"), (500.0, "outside"))
    line = Series(title=NASTY, unit=unit, points=tuple((t, t / 7) for t in range(60)), threshold=4.0, marks=marks)
    png = await plots.render([line, line], title=NASTY)
    width, height = size_of(png)
    assert width >= 1200
    assert height >= 400
    assert len(png) < 300_000


async def test_points_that_are_no_numbers_are_left_out() -> None:
    nan, inf = float("nan"), float("inf")
    line = Series(title="n", points=((1.0, nan), (2.0, 1.0), (3.0, inf), (4.0, 2.0)), threshold=nan)
    assert size_of(await plots.render([line], title="n"))
    assert "nan" not in build_svg([line], "l")


async def test_nothing_to_draw_is_still_a_picture() -> None:
    assert size_of(await plots.render([Series(title="e", points=())], title="e"))


def test_whoever_only_imports_the_cards_does_not_load_the_drawing_library() -> None:
    code = (
        "import sys, bot.cards, bot.listeners, bot.web.timeline;"
        "assert not {'matplotlib', 'langgraph', 'langchain_core', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=25)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.35, "s", "350 ms"), (1.5, "s", "1.5 s"), (0.0, "s", "0 s"), (0.612, "ratio", "61.2 %"), (8.0, "1/s", "8 /s"),
        (1610612736, "bytes", "1.5 GiB"), (12345.6, "", "12,346"), (0.004, "", "0.004"),
    ],
)  # fmt: skip
def test_figures_are_as_short_as_an_axis_needs(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text
