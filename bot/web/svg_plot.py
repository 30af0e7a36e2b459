"""A line over time as inline SVG, for pages without scripts; colours come from the page's style sheet."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from bot.blocks.text import one_line
from bot.drawable import drawable
from core.figures import figure
from core.series import Series

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 720, 190, 64, 26, 24
_MAX_LINES, _MAX_MARKS = 4, 6


def build_svg(series: Sequence[Series], label: str) -> Markup:
    """Return the picture of up to four lines with threshold and marks (UTC); empty when there is nothing to draw."""
    lines = [line for line in map(drawable, series) if len(line.points) > 1][:_MAX_LINES]
    if not lines:
        return Markup("")
    scale = _Scale(lines)
    parts = [_grid(scale, lines[0].unit)]
    for number, line in enumerate(lines):
        points = " ".join(f"{scale.x(at):.1f},{scale.y(value):.1f}" for at, value in line.points)
        parts.append(Markup('<polyline class="line l{}" points="{}"/>').format(number, points))
    parts += [_threshold(scale, lines), *_marks(scale, lines), _legend(lines)]
    head = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, _HEIGHT, label)
    return head + Markup("").join(parts) + Markup("</svg>")


class _Scale:
    def __init__(self, lines: Sequence[Series]) -> None:
        times = [at for line in lines for at, _ in line.points]
        values = [value for line in lines for _, value in line.points]
        values += [line.threshold for line in lines if line.threshold is not None]
        self.first, self.last = min(times), max(times)
        self.step = _round_step((max(*values, 0.0) - min(*values, 0.0)) / 3, lines[0].unit)
        self.low = math.floor(min(*values, 0.0) / self.step) * self.step
        # Room above the line for the marks' labels.
        self.high = max(*values, self.step) * 1.15

    def x(self, at: float) -> float:
        share = (at - self.first) / ((self.last - self.first) or 1.0)
        return _LEFT + share * (_WIDTH - _LEFT - 8)

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _round_step(rough: float, unit: str) -> float:
    if rough <= 0:
        return 1.0
    base = 1024.0 ** int(math.log(max(rough, 1.0), 1024)) if unit == "bytes" else 1.0
    power = 10.0 ** math.floor(math.log10(rough / base))
    return base * power * min((1, 2, 2.5, 5, 10), key=lambda nice: abs(nice - rough / base / power))


def _grid(scale: _Scale, unit: str) -> Markup:
    parts: list[Markup] = []
    for step in range(math.floor((scale.high - scale.low) / scale.step) + 1):
        value = scale.low + scale.step * step
        y = f"{scale.y(value):.1f}"
        parts.append(Markup('<path class="grid" d="M{} {}H{}"/>').format(_LEFT, y, _WIDTH - 8))
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" dy="4" text-anchor="end">{}</text>').format(
                _LEFT - 8, y, figure(value, unit)
            )
        )
    for step in range(5):
        at = scale.first + (scale.last - scale.first) * step / 4
        anchor = ("start", "middle", "middle", "middle", "end")[step]
        text = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
                f"{scale.x(at):.1f}", _HEIGHT - 6, anchor, text
            )
        )
    return Markup("").join(parts)


def _threshold(scale: _Scale, lines: Sequence[Series]) -> Markup:
    for line in lines:
        if line.threshold is not None:
            y = scale.y(line.threshold)
            text = f"threshold {figure(line.threshold, line.unit)}"
            return Markup('<path class="threshold" d="M{} {}H{}"/><text class="alarm" x="{}" y="{}">{}</text>').format(
                _LEFT, f"{y:.1f}", _WIDTH - 8, _LEFT + 4, f"{y - 4:.1f}", text
            )
    return Markup("")


def _marks(scale: _Scale, lines: Sequence[Series]) -> list[Markup]:
    marks = sorted(dict.fromkeys(mark for line in lines for mark in line.marks))
    inside = [mark for mark in marks if scale.first <= mark[0] <= scale.last][:_MAX_MARKS]
    parts: list[Markup] = []
    for number, (at, label) in enumerate(inside):
        x, late = scale.x(at), at > scale.first + 0.75 * (scale.last - scale.first)
        parts.append(
            Markup(
                '<path class="mark" d="M{} {}V{}"/><text class="note" x="{}" y="{}" text-anchor="{}">{}</text>'
            ).format(
                f"{x:.1f}", _TOP - 6, _HEIGHT - _BOTTOM, f"{x + (-4 if late else 4):.1f}", _TOP + 4 + 12 * (number % 2),
                "end" if late else "start", one_line(label, 40),
            )
        )  # fmt: skip
    return parts


def _legend(lines: Sequence[Series]) -> Markup:
    parts, x = [], _LEFT
    for number, line in enumerate(lines):
        title = one_line(line.title, 50)
        parts.append(
            Markup('<circle class="dot l{}" cx="{}" cy="9" r="4"/><text class="tick" x="{}" y="13">{}</text>').format(
                number, x + 4, x + 13, escape(title)
            )
        )
        x += 30 + 7 * len(title)
    return Markup("").join(parts)
