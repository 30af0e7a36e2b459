"""A shift of the level is found where it is; noise, drift and sliding windows are none."""

from collections.abc import Callable
from random import Random

import pytest

from tools.change_point import find_change

Maker = Callable[[Random], list[float]]


def series(values: list[float]) -> list[tuple[float, float]]:
    return [(1000.0 + index, value) for index, value in enumerate(values)]


def white(random: Random) -> list[float]:
    return [10 + random.gauss(0, 3) for _ in range(240)]


def correlated(random: Random) -> list[float]:
    values, last = [], 0.0
    for _ in range(240):
        last = 0.9 * last + random.gauss(0, 1.3)
        values.append(10 + last)
    return values


def windowed(random: Random) -> list[float]:
    noise = [random.gauss(0, 3) for _ in range(250)]
    return [10 + sum(noise[index : index + 10]) / 3 for index in range(240)]


def drifting(random: Random) -> list[float]:
    return [100 + index + random.gauss(0, 5) for index in range(240)]


def spike(random: Random) -> list[float]:
    values = white(random)
    values[100] += 60
    return values


@pytest.mark.parametrize("make", [white, correlated, windowed, drifting, spike])
def test_what_does_not_shift_is_left_alone_in_99_of_100_series(make: Maker) -> None:
    random = Random(7)
    assert sum(find_change(series(make(random))) is not None for _ in range(300)) <= 3


@pytest.mark.parametrize("fresh", [3, 5, 10, 60, 120])
def test_a_shift_is_found_at_its_first_point(fresh: int) -> None:
    random = Random(fresh)
    for _ in range(30):
        values = [0.2 + random.gauss(0, 0.02) for _ in range(240 - fresh)]
        change = find_change(series(values + [1.5 + random.gauss(0, 0.1) for _ in range(fresh)]))
        assert change is not None
        assert change.at == 1000 + 240 - fresh
        assert change.before == pytest.approx(0.2, abs=0.05)
        assert change.after == pytest.approx(1.5, abs=0.3)


def test_an_error_share_over_a_sliding_window_shifts_within_five_points() -> None:
    random, found = Random(5), 0
    for _ in range(50):
        errors = [random.random() < 0.001 for _ in range(225)] + [random.random() < 0.6 for _ in range(25)]
        change = find_change(series([sum(errors[index + 1 : index + 11]) / 10 for index in range(240)]))
        found += change is not None and abs(change.at - 1215) <= 8
    assert found >= 48


@pytest.mark.parametrize("offset", [0.0, 1e12])
def test_steady_and_exact_levels_are_told_apart(offset: float) -> None:
    assert find_change(series([offset + 5.0] * 50)) is None
    change = find_change(series([5.0] * 45 + [9.0] * 5))
    assert change is not None
    assert (change.at, change.before, change.after) == (1045.0, 5.0, 9.0)


def test_a_shift_that_matters_to_nobody_is_none() -> None:
    assert find_change(series([100.0] * 50 + [104.0] * 50)) is None


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 9.0, 9.0], [0.0] * 30])
def test_too_little_is_no_series(values: list[float]) -> None:
    assert find_change(series(values)) is None


def test_a_detector_without_the_correction_for_correlation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.change_point._independence", lambda residuals: 1.0)
    random = Random(7)
    assert sum(find_change(series(correlated(random))) is not None for _ in range(300)) > 3
