"""Runs seeded schedules: `python -m tests.chaos.schedules --count 20000 --seed 1`; a failing one is printed, shrunk."""

import argparse
import logging
import os
import sys
from collections import Counter
from time import monotonic

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # before langgraph is imported, as the worker does

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.inside.place import Place, a_place
from tests.chaos.machine import at

STEPS = 10


def run_schedules(place: Place, number: int, count: int, *, shrink: bool = True) -> Counter[str]:
    """Run `count` schedules that follow from the seed `number`; BrokenPromiseError for the first that breaks one.

    Returns what they came to: effects, approvals by their ends, deaths and so on."""
    quiet()
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    with at(place) as machine:
        how = settings(
            max_examples=count, stateful_step_count=STEPS, deadline=None, database=None, phases=phases,
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )  # fmt: skip
        print(f"seed {number}, {count} schedules of {STEPS} steps", flush=True)
        run_state_machine_as_test(seed(number)(machine), settings=how)
        return machine.tally


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
