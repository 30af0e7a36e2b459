"""What the supported functions compute from the samples of one range, exactly as Prometheus 2 defines it."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

Samples = Sequence[tuple[float, float]]  # (Unix seconds, value), in order of time
RangeFunction = Callable[[Samples, float, float], float | None]  # samples, start, end of the range in Unix seconds


def _extrapolated(samples: Samples, start: float, end: float, *, counter: bool, per_second: bool) -> float | None:
    """Growth over the range, extended towards its edges; counter resets are added back."""
    if len(samples) < 2:
        return None
    (first_at, first), (last_at, last) = samples[0], samples[-1]
    growth = last - first
    if counter:
        growth += sum(a for (_, a), (_, b) in pairwise(samples) if b < a)
    sampled = last_at - first_at
    spacing = sampled / (len(samples) - 1)
    to_start, to_end = first_at - start, end - last_at
    if counter and growth > 0 and first >= 0:
        to_start = min(to_start, sampled * (first / growth))
    extended = sampled
    for gap in (to_start, to_end):
        extended += gap if gap < spacing * 1.1 else spacing / 2
    result = growth * extended / sampled
    return result / (end - start) if per_second else result


def rate(samples: Samples, start: float, end: float) -> float | None:
    return _extrapolated(samples, start, end, counter=True, per_second=True)


def increase(samples: Samples, start: float, end: float) -> float | None:
    return _extrapolated(samples, start, end, counter=True, per_second=False)


def delta(samples: Samples, start: float, end: float) -> float | None:
    return _extrapolated(samples, start, end, counter=False, per_second=False)


def irate(samples: Samples, start: float, end: float) -> float | None:
    """Growth per second between the last two samples."""
    if len(samples) < 2:
        return None
    (before_at, before), (last_at, last) = samples[-2:]
    if last_at == before_at:
        return None
    return (last if last < before else last - before) / (last_at - before_at)


def deriv(samples: Samples, start: float, end: float) -> float | None:
    """Slope per second of the least-squares line through the samples."""
    if len(samples) < 2:
        return None
    times = [at - samples[0][0] for at, _ in samples]
    values = [value for _, value in samples]
    mean_time, mean_value = math.fsum(times) / len(times), math.fsum(values) / len(values)
    spread = math.fsum((at - mean_time) ** 2 for at in times)
    if spread == 0:
        return math.nan
    return math.fsum((t - mean_time) * (v - mean_value) for t, v in zip(times, values, strict=True)) / spread


def over_time(reduce: Callable[[list[float]], float]) -> RangeFunction:
    def compute(samples: Samples, start: float, end: float) -> float | None:
        return reduce([value for _, value in samples]) if samples else None

    return compute


RANGE: dict[str, RangeFunction] = {
    "rate": rate,
    "increase": increase,
    "delta": delta,
    "irate": irate,
    "deriv": deriv,
    "max_over_time": over_time(max),
    "min_over_time": over_time(min),
    "sum_over_time": over_time(math.fsum),
    "avg_over_time": over_time(lambda values: math.fsum(values) / len(values)),
}


def quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    """The q-quantile of cumulative histogram buckets (upper bound, count), linear within a bucket."""
    if math.isnan(q):
        return math.nan
    if q < 0 or q > 1:
        return math.copysign(math.inf, q - 0.5)
    buckets = sorted(buckets)
    if len(buckets) < 2 or not math.isinf(buckets[-1][0]) or buckets[-1][1] == 0:
        return math.nan
    counts: list[float] = []
    for _, count in buckets:
        counts.append(max(count, counts[-1] if counts else 0.0))  # float noise may make a bucket smaller than the last
    rank = q * counts[-1]
    index = next((i for i, count in enumerate(counts[:-1]) if count >= rank), len(counts) - 1)
    if index == len(buckets) - 1:
        return buckets[-2][0]
    upper = buckets[index][0]
    if index == 0 and upper <= 0:
        return upper
    lower, below = (buckets[index - 1][0], counts[index - 1]) if index else (0.0, 0.0)
    within = counts[index] - below
    return lower + (upper - lower) * ((rank - below) / within)
