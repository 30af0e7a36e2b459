"""The metric around the alert as a crisp picture, legible on light and dark Slack; loads matplotlib on first use."""

import asyncio
import io
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.blocks.text import one_line
from bot.drawable import drawable
from core.figures import figure
from core.series import Series

_INK, _PAPER, _GRID = "#1d1c1d", "#ffffff", "#e3e3e6"
_LINES = ("#1264a3", "#8a3ffc", "#007a5a", "#b3540a")
_ALARM, _MARK = "#c8102e", "#6b6b70"
_MAX_LINES = 4
# matplotlib's font cache is shared between figures: one drawing at a time.
_drawing = threading.Lock()


async def render(series: Sequence[Series], *, title: str) -> bytes:
    """Return a PNG of up to four lines over time (UTC) with thresholds and marks; drawn in a thread."""
    return await asyncio.to_thread(_render, tuple(series), title)


def _render(series: Sequence[Series], title: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _drawing:
        figure = Figure(figsize=(5.8, 2.7), dpi=240, facecolor=_PAPER, layout="constrained")
        axes = figure.add_subplot()
        lines = [line for line in map(drawable, series) if len(line.points) > 1][:_MAX_LINES]
        for number, line in enumerate(lines):
            _draw_line(axes, line, _LINES[number], fill=len(lines) == 1)
        _draw_thresholds(axes, lines)
        _draw_marks(axes, lines)
        _dress(axes, title, lines)
        out = io.BytesIO()
        FigureCanvasAgg(figure).print_png(out)
    return out.getvalue()


def _draw_line(axes: Any, line: Series, color: str, *, fill: bool) -> None:
    times = [_at(point[0]) for point in line.points]
    values = [point[1] for point in line.points]
    axes.plot(times, values, color=color, linewidth=1.8, label=_plain(line.title, 60), solid_capstyle="round")
    if fill:
        axes.fill_between(times, values, min(0.0, *values), color=color, alpha=0.10, linewidth=0)


def _draw_thresholds(axes: Any, lines: Sequence[Series]) -> None:
    for line in lines:
        if line.threshold is not None:
            axes.axhline(line.threshold, color=_ALARM, linewidth=1.2, linestyle=(0, (5, 3)))
            text = f"threshold {figure(line.threshold, line.unit)}"
            axes.annotate(
                text,
                (0.005, line.threshold),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                color=_ALARM,
                fontsize=8,
                parse_math=False,
            )
            return


def _draw_marks(axes: Any, lines: Sequence[Series]) -> None:
    marks = dict.fromkeys(mark for line in lines for mark in line.marks)
    first, last = (pick(time for line in lines for time, _ in line.points) for pick in (min, max)) if lines else (0, 0)
    for number, (when, label) in enumerate(sorted(marks)[:6]):
        alert = "alert" in label.lower()
        color = _ALARM if alert else _MARK
        axes.axvline(_at(when), color=color, linewidth=1.1, linestyle="-" if alert else ":")
        # Neighbouring labels stand on two levels, late ones to the left of their line.
        late = when > first + 0.72 * (last - first)
        axes.annotate(
            _plain(label, 36),
            (_at(when), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-3 if late else 3, -9 - 11 * (number % 2)),
            textcoords="offset points",
            horizontalalignment="right" if late else "left",
            zorder=5,
            color=color,
            fontsize=8,
            fontweight="bold",
            parse_math=False,
            annotation_clip=True,
            bbox={"facecolor": _PAPER, "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )


def _dress(axes: Any, title: str, lines: Sequence[Series]) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    unit = lines[0].unit if lines else ""
    axes.set_facecolor(_PAPER)
    axes.set_title(_plain(title, 90), loc="left", fontsize=10, fontweight="bold", color=_INK, parse_math=False)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: figure(value, unit)))
    locator = AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    shown = [time for line in lines for time, _ in line.points] or [0.0]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M:%S" if max(shown) - min(shown) < 600 else "%H:%M"))
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01, y=0.22)
    if lines and min(value for line in lines for _, value in line.points) >= 0:
        axes.set_ylim(bottom=0)
    axes.tick_params(colors=_INK, labelsize=8, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(_GRID)
    if len(lines) > 1:
        legend = axes.figure.legend(loc="outside lower left", ncols=2, fontsize=8, frameon=False, labelcolor=_INK)
        for text in legend.get_texts():
            text.set_parse_math(False)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _plain(text: str, limit: int) -> str:
    # The bundled font has Latin, Greek and Cyrillic; a missing glyph would warn and draw a box.
    return "".join(char if ord(char) < 0x0500 or char in "…–—" else "?" for char in one_line(text, limit))
