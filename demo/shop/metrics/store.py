"""Time series in memory, with Prometheus' look-back and staleness."""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

Labels = Mapping[str, str]
LabelKey = frozenset[tuple[str, str]]
RETENTION_S = 30 * 60
LOOKBACK_S = 5 * 60
NAME = "__name__"


class Series:
    """The samples of one label set, in order of time; a NaN says that the series ended there."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.times = array("d")
        self.values = array("d")

    def append(self, at: float, value: float) -> None:
        self.times.append(at)
        self.values.append(value)
        if len(self.times) % 512 == 0:
            keep = bisect_left(self.times, at - RETENTION_S)
            del self.times[:keep]
            del self.values[:keep]

    @property
    def ended(self) -> bool:
        return not self.values or math.isnan(self.values[-1])

    def at(self, moment: float) -> float | None:
        """The newest value not older than the look-back, or None when there is none or the series has ended."""
        index = bisect_right(self.times, moment) - 1
        if index < 0 or self.times[index] <= moment - LOOKBACK_S or math.isnan(self.values[index]):
            return None
        return self.values[index]

    def between(self, start: float, end: float) -> list[tuple[float, float]]:
        """All samples from `start` to `end`, both included."""
        window = slice(bisect_left(self.times, start), bisect_right(self.times, end))
        pairs = zip(self.times[window], self.values[window], strict=True)
        return [(at, value) for at, value in pairs if not math.isnan(value)]


class MetricsStore:
    """All series, indexed by metric name."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[LabelKey, Series]] = {}

    def add(self, at: float, labels: dict[str, str], value: float) -> Series:
        """Append a sample; `labels` includes __name__. `at` is Unix time in seconds."""
        family = self._by_name.setdefault(labels[NAME], {})
        key = frozenset(labels.items())
        series = family.get(key)
        if series is None:
            series = family[key] = Series(labels)
        series.append(at, value)
        return series

    def end(self, at: float, series: Iterable[Series]) -> None:
        """Mark series as ended, as when a target is gone."""
        for one in series:
            if not one.ended:
                one.append(at, math.nan)

    def named(self, name: str | None) -> Iterator[Series]:
        """The series of one metric, or of all."""
        for family in [self._by_name.get(name, {})] if name is not None else list(self._by_name.values()):
            yield from family.values()

    def names(self) -> list[str]:
        return sorted(self._by_name)
