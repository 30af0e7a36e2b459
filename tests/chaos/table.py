"""Prints what a series of kills at one point came to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from tests.chaos.story import Told

HEADER = "| point | kills | effects | ends | violations | to the end p50, max | to the effect p50, max | seeds |"


def print_row(runs: Sequence[Told]) -> None:
    """Print the header and one line; seconds are from the kill, and `before` an effect that came earlier than it."""
    effects = [told.effects for told in runs]
    ends, later = [told.recovery for told in runs], [told.effect for told in runs if told.effect is not None]
    kills, violations = sum(told.kills for told in runs), sum(len(told.violations) for told in runs)
    spread = f"{min(effects)}-{max(effects)}" if min(effects) < max(effects) else effects[0]
    statuses, seeds = _counted(told.status for told in runs), f"{runs[0].seed}-{runs[-1].seed}"
    cells = (runs[0].point, kills, spread, statuses, violations, _span(ends), _span(later), seeds)
    print(f"\n{HEADER}\n| " + " | ".join(map(str, cells)) + " |", flush=True)


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def _span(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f}, {max(seconds):.1f} s" if seconds else "before"
