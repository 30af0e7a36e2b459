"""Runs seeded schedules: `python -m tests.chaos.schedules --count 20000 --seed 1`; a failing one is printed, shrunk.

The seed of a schedule decides its steps and what each is given; between two steps the workers make a number of calls
that is drawn too. What it does not decide is in which order several workers, a real Redis and a real SQL get their turn
in between: the same seed may pass and fail. So a failure leaves everything that was seen of it in a file, and
`--again FILE` lives the steps in it through once more, as often as `--count` says.
"""

import argparse
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from time import monotonic

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # before langgraph is imported, as the worker does

import structlog

from tests.chaos.inside.place import Place, a_place
from tests.chaos.machine import Played, Schedule, play, tell
from tests.chaos.steps import Step, read_steps, steps_of

_TALKATIVE = ("slack_bolt", "tools", "graphs", "asyncio", "sqlalchemy", "core", "bot")
_SHRINK_FOR = 60.0  # seconds
_TRIES = 3  # what does not break in so many tries is taken not to


class BrokenPromiseError(AssertionError):
    """A history that breaks an invariant."""


def run_schedules(place: Place, seeds: Iterable[int], folder: Path) -> Counter[str]:
    """Run the schedules of those seeds; BrokenPromiseError for the first that breaks a promise, which is in `folder`
    then with all that was seen of it. Returns what they came to: effects, approvals by their ends, deaths and so on."""
    total: Counter[str] = Counter()
    with quiet():
        for seed in seeds:
            total += run_schedule(place, steps_of(seed), f"seed {seed}", folder / f"schedule-{seed}.txt")
    return total


def run_schedule(place: Place, steps: Sequence[Step], name: str, file: Path) -> Counter[str]:
    """Run one schedule; BrokenPromiseError when it breaks a promise, after `file` was written."""
    try:
        played = play(place, steps)
    except Exception as error:
        error.add_note(told(name, steps, "never came to its end"))
        raise
    if not played.violations:
        return played.tally
    file.write_text(text := told(name, steps, _said(played)))  # first of all: what comes now may not end
    print(text, flush=True)
    fewer, last = shrink(place, steps, played)
    file.write_text(text := f"{text}\n\n{told(f'{name}, shrunk', fewer, _said(last))}\n")
    raise BrokenPromiseError(f"{text}\n(all of this is in {file})")


def told(name: str, steps: Sequence[Step], what: str) -> str:
    """Return a schedule and what came of it in many lines."""
    return "\n".join((f"{name}: {what.partition(chr(10))[0]}", *(step.line() for step in steps), what))


def _said(played: Played) -> str:
    found = [f"  {each.invariant} {each.subject}: {each.why}" for each in played.violations]
    return "\n".join((f"{len(found)} violations", *found, played.story))


def shrink(place: Place, steps: Sequence[Step], played: Played) -> tuple[Sequence[Step], Played]:
    """Return fewer steps that break one of the same invariants, as far as a minute goes, and what came of them."""
    until = monotonic() + _SHRINK_FOR
    number = len(steps)
    while (number := number - 1) > 0 and monotonic() < until:
        fewer = [*steps[:number], *steps[number + 1 :]]
        for _ in range(_TRIES):
            again = play(place, fewer)
            if again.broken & played.broken:
                steps, played = fewer, again
                break
    return steps, played


def first_broken(place: Place, seeds: Iterable[int], only: Collection[str] = ()) -> tuple[int, set[str]]:
    """Run schedules of those rules until one breaks a promise; returns how many ran, and the invariants that saw it."""
    return _first(play(place, steps_of(seed, only)) for seed in seeds)


def story_breaks(place: Place, story: Callable[[Schedule], None], times: int) -> tuple[int, set[str]]:
    """Tell one story again and again until it breaks a promise; returns which telling did, and what found it."""
    return _first(tell(place, story) for _ in range(times))


def _first(told: Iterable[Played]) -> tuple[int, set[str]]:
    number = 0
    with quiet():
        for number, played in enumerate(told, 1):
            if played.violations:
                return number, played.broken
    return number, set()


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing meanwhile: hundreds of crashes make a log that nobody reads."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before, levels = structlog.get_config(), [logger.level for logger in loggers]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        structlog.configure(**before)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of schedules; it has to be 1 or more")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run exactly as many as were asked for, each with the next seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=_count, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first schedule; the next has the next")
    parser.add_argument("--folder", type=Path, default=Path(gettempdir()), help="where the file of a failure goes")
    parser.add_argument("--again", type=Path, help="the file of a failure: its (shrunk) steps, again and again")
    given = parser.parse_args(arguments)
    given.folder.mkdir(parents=True, exist_ok=True)
    steps = read_steps(given.again.read_text().rpartition("shrunk:")[2]) if given.again else []
    total, began = Counter[str](), monotonic()
    with quiet(), a_place() as place:
        for seed in range(given.seed, given.seed + given.count):
            file = given.folder / f"schedule-{seed}.txt"
            try:
                total += run_schedule(place, steps or steps_of(seed), f"seed {seed}", file)
            except BrokenPromiseError as error:
                print(error)
                return 1
            if total["schedules"] % 50 == 0 or total["schedules"] == given.count:
                print(f"  {total['schedules']} schedules in {monotonic() - began:.0f} s", flush=True)
    for name, figure in sorted(total.items()):
        print(f"{name:>22} {figure}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
