"""Arithmetic on measured lines: where a bad stretch began, how steadily something grows."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

Point = tuple[float, float]
_FAR = 1e300


def number(value: object) -> float | None:
    """Return a finite number, or None for anything else: 0/0 in a query language is NaN and says nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FAR:
        return None
    return float(value)


def clean(points: object) -> tuple[Point, ...]:
    """Return what are points in the order of time."""
    rows = points if isinstance(points, list | tuple) else ()
    pairs = [(number(row[0]), number(row[1])) for row in rows if isinstance(row, list | tuple) and len(row) == 2]
    return tuple(sorted((time, value) for time, value in pairs if time is not None and value is not None))


def onset(points: Sequence[Point], limit: float) -> float | None:
    """Return when the stretch above the limit that still lasts began; None when the last two points are not above it.

    One dip below the limit of a single point does not end a stretch.
    """
    if not points or max(value for _, value in points[-2:]) <= limit:
        return None
    began, dips = points[-1][0], 0
    for time, value in reversed(points):
        dips = 0 if value > limit else dips + 1
        if dips > 1:
            break
        if value > limit:
            began = time
    return began


def last_rise(points: Sequence[Point], drop: float = 0.15) -> tuple[Point, ...]:
    """Return the points since the last fall by more than the given part: since a restart, for memory."""
    start = 0
    for index in range(1, len(points)):
        if points[index][1] < points[index - 1][1] * (1 - drop):
            start = index
    return tuple(points[start:])


def slope(points: Sequence[Point]) -> float:
    """Return the least-squares slope in units a second; 0 for fewer than three points."""
    if len(points) < 3:
        return 0.0
    mean_t, mean_v = fmean(t for t, _ in points), fmean(v for _, v in points)
    spread = sum((t - mean_t) ** 2 for t, _ in points)
    return sum((t - mean_t) * (v - mean_v) for t, v in points) / spread if spread else 0.0


def steadiness(points: Sequence[Point]) -> float:
    """Return the part of steps that do not fall, 0..1."""
    steps = [b[1] >= a[1] * 0.995 for a, b in pairwise(points)]
    return sum(steps) / len(steps) if steps else 0.0
