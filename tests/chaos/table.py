"""Prints what a series of kills came to, one line for each point."""

from collections.abc import Sequence
from statistics import median

from tests.chaos.story import Told


def print_table(runs: Sequence[Told], *, header: bool) -> None:
    """Print one line for the runs of one point; seconds are from the kill."""
    if header:
        print("| point | runs | hit | effects (min-max) | violations | to the end p50 / max | to the effect p50 / max |")
        print("|---|---|---|---|---|---|---|")
    effects = [told.effects for told in runs]
    ends, later = [told.recovery for told in runs], [told.effect for told in runs if told.effect is not None]
    cells = (
        runs[0].point, len(runs), sum(told.hit for told in runs), f"{min(effects)}-{max(effects)}",
        sum(len(told.violations) for told in runs), _span(ends), _span(later),
    )  # fmt: skip
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def _span(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.1f} / {max(seconds):.1f} s" if seconds else "before"
