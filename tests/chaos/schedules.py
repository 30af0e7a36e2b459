"""Runs seeded schedules: `python -m tests.chaos.schedules --count 20000 --seed 1`; a failing one is printed, shrunk."""

import argparse
import contextlib
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection
from time import monotonic

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # before langgraph is imported, as the worker does

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.inside.place import Place, a_place
from tests.chaos.machine import BrokenPromiseError, Schedule, at

STEPS = 10


def run_schedules(place: Place, number: int, count: int, *, shrink: bool = True) -> Counter[str]:
    """Run `count` schedules that follow from the seed `number`; BrokenPromiseError for the first that breaks one.

    Returns what they came to: effects, approvals by their ends, deaths and so on."""
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    with at(place) as machine:
        print(f"seed {number}, {count} schedules of {STEPS} steps", flush=True)
        _run(machine, number, count, phases)
        return machine.tally


def first_broken(place: Place, number: int, count: int, only: Collection[str] = ()) -> tuple[int, set[str]]:
    """Run schedules of those rules until one breaks a promise; returns which it was, and the invariants that saw it."""
    with at(place, only) as machine:
        # Whatever is raised says no more than what the machine has kept: not every crash comes at the same call again.
        with contextlib.suppress(BrokenPromiseError, Flaky, BaseExceptionGroup):
            _run(machine, number, count, (Phase.generate,))
        if not machine.broken:
            return machine.tally["schedules"], set()
        return machine.tally["schedules"], {violation.invariant for violation in machine.broken[0].violations}


def story_breaks(place: Place, story: Callable[[Schedule], None], times: int) -> tuple[int, set[str]]:
    """Tell one story again and again until it breaks a promise; returns which telling did, and what found it."""
    quiet()
    with at(place) as machine:
        for number in range(1, times + 1):
            told = machine()
            try:
                story(told)
            finally:
                with contextlib.suppress(BrokenPromiseError):
                    told.teardown()
            if machine.broken:
                return number, {violation.invariant for violation in machine.broken[0].violations}
        return times, set()


def _run(machine: type[Schedule], number: int, count: int, phases: tuple[Phase, ...]) -> None:
    quiet()
    how = settings(
        max_examples=count, stateful_step_count=STEPS, deadline=None, database=None, phases=phases,
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
    )  # fmt: skip
    run_state_machine_as_test(seed(number)(machine), settings=how)


def quiet() -> None:
    """Hundreds of crashes make a log that nobody reads."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name in ("slack_bolt", "tools", "graphs", "asyncio", "sqlalchemy", "core", "bot"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def main() -> int:
    """Run them in batches, each with its own seed, so that a failure is reproduced in seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first batch; the next has the next")
    parser.add_argument("--batch", type=int, default=50)
    given = parser.parse_args()
    total: Counter[str] = Counter()
    began = monotonic()
    with a_place() as place:
        for number in range(given.seed, given.seed + -(-given.count // given.batch)):
            total += run_schedules(place, number, given.batch)
            print(f"  {total['schedules']} schedules in {monotonic() - began:.0f} s", flush=True)
    for name, figure in sorted(total.items()):
        print(f"{name:>22} {figure}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
