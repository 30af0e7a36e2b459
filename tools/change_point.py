"""When did a series change its level? One mean shift, or none, told apart from noise and from slow drift."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

_MIN_SIDE = 3  # points that each side of a shift needs
_MIN_F = 30.0  # the largest of ~240 F ratios of pure noise stays well below this
_MIN_SHARE = 0.10  # of the larger level: smaller shifts matter to nobody on call
_MIN_NOISE = 2.0  # standard deviations within the sides


class Change(NamedTuple):
    """The first moment (unix seconds) of the new level, and the mean before and after."""

    at: float
    before: float
    after: float


def find_change(points: Sequence[tuple[float, float]]) -> Change | None:
    """Return the shift of the mean that explains the points best, or None when noise or drift explains them as well.

    Every split is scored by the F ratio of "two levels" against "one level"; the ratio is reduced by the residuals'
    lag-1 correlation, because samples of a sliding window repeat themselves and are no independent witnesses.
    """
    values = [value for _, value in points]
    count = len(values)
    if count < 2 * _MIN_SIDE + 1:
        return None
    split, within = _best_split(values)
    before, after = _mean(values[:split]), _mean(values[split:])
    residuals = [value - (before if index < split else after) for index, value in enumerate(values)]
    gap = abs(after - before)
    noise = (within / (count - 2)) ** 0.5
    if gap < _MIN_SHARE * max(abs(before), abs(after)) or gap < _MIN_NOISE * noise or gap == 0:
        return None
    between = split * (count - split) / count * gap * gap
    ratio = between / max(within / (count - 2), between * 1e-9)
    if ratio * _independence(residuals) < _MIN_F or _line_fits_better(values, within):
        return None
    return Change(at=points[split][0], before=before, after=after)


def _best_split(values: Sequence[float]) -> tuple[int, float]:
    """Return where the second level begins, and the sum of squares that two levels leave unexplained."""
    count, offset = len(values), values[0]  # the offset keeps sums of squares of large, steady numbers exact
    shifted = [value - offset for value in values]
    sums = list(accumulate(shifted))
    total, squares = sums[-1], sum(value * value for value in shifted)
    explained, split = max(
        (sums[at - 1] ** 2 / at + (total - sums[at - 1]) ** 2 / (count - at), at)
        for at in range(_MIN_SIDE, count - _MIN_SIDE + 1)
    )
    return split, max(squares - explained, 0.0)


def _independence(residuals: Sequence[float]) -> float:
    """Return the share (0..1] of independent samples, from the correlation of neighbours."""
    squares = sum(value * value for value in residuals)
    if squares == 0:
        return 1.0
    correlation = sum(left * right for left, right in pairwise(residuals)) / squares
    correlation = min(max(correlation, 0.0), 0.98)
    return (1 - correlation) / (1 + correlation)


def _line_fits_better(values: Sequence[float], within: float) -> bool:
    """True when a straight line leaves less unexplained than the two levels: a drift has no moment of change."""
    count = len(values)
    middle, mean = (count - 1) / 2, _mean(values)
    slope = sum((index - middle) * (value - mean) for index, value in enumerate(values))
    slope /= count * (count * count - 1) / 12
    left = sum((value - mean - slope * (index - middle)) ** 2 for index, value in enumerate(values))
    return left < within


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
