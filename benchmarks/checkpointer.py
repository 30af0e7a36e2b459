"""What our saver costs beside the others: `python -m benchmarks.checkpointer [--save] [--quick]`.

The calls of one real run (an agent and its tools, one message a step) are told to every saver in turn, in another
order each round; then whole runs are driven, in the same manner. Servers keep nothing on disk and are on loopback.

The yardstick of put and put_writes is the floor that writes the whole checkpoint of that call, serialised beforehand,
in one raw pipeline of a client as redis-py opens it: that is what a saver has to store, and what a saver without any
wit would send, so it grows with the conversation. Two harder floors are held against the same limit, for information:
both have the client options of ours, which bounds each call itself and spares redis-py's time limits for each read and
write; one of them writes only what ours sends."""

import argparse
import asyncio
import os
import platform
import random
import tempfile
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks import saver_subjects as those
from benchmarks.saver_runs import Call, Times, agent, question, record, tell, where
from benchmarks.saver_subjects import Floor, Subject, Traffic

_FLOORS = (
    (those.FLOOR_PATIENT, "the floor"),
    (those.FLOOR, "the floor with our client options (information)"),
    (those.FLOOR_SENT, "the floor with our options and bytes (information)"),
)
WARM_UP = 2
OPERATIONS = ("put", "put_writes", "get")
LIMIT_FLOOR, LIMIT_BYTES, LIMIT_RUN = 1.6, 9_000, 2.0


@dataclass(frozen=True)
class Plan:
    """How much is measured for runs of so many steps."""

    steps: int
    rounds: int
    threads: int


FULL = (Plan(20, 40, 15), Plan(100, 10, 4))
QUICK = (Plan(20, 6, 3), Plan(100, 3, 2))
RUN_STEPS, READS = 20, 5


@dataclass
class Measured:
    """What came out for one subject and one number of steps."""

    times: Times = field(default_factory=Times)
    cpu: list[float] = field(default_factory=list)
    bytes_each: float = 0
    keys: float = 0

    def at(self, kind: str, share: float) -> float:
        """Return the value of a kind of call below which a share of them lies."""
        values = sorted(value for each in self.times.rounds[kind] for value in each)
        return values[int(share * (len(values) - 1))]

    def by_round(self, kind: str) -> list[float]:
        """Return each round's median."""
        return [median(each) for each in self.times.rounds[kind]]


@dataclass(frozen=True)
class Ratio:
    """How many times another's cost ours is: the median of all rounds, and the least and the most of one round."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f} to {self.most:.2f})"


def ratio(ours: Sequence[float], other: Sequence[float]) -> Ratio:
    """Return the ratio of two lists of the same rounds."""
    each = [one / two for one, two in zip(ours, other, strict=True)]
    return Ratio(median(each), min(each), max(each))


async def measure(plan: Plan, subjects: Sequence[Subject], order: random.Random) -> dict[str, Measured]:
    """Tell one recorded run to every subject, round after round; then fill threads with different texts."""
    calls = await record(plan.steps, seed=0)
    whole = those.traffic_of_whole(calls)
    traffic = {those.FLOOR: whole, those.FLOOR_PATIENT: whole}
    traffic[those.FLOOR_SENT] = await traffic_of_ours(subjects[0], calls)
    found = {subject.name: Measured() for subject in subjects}
    for number in range(-WARM_UP, plan.rounds):
        for subject in order.sample(list(subjects), len(subjects)):
            thread = f"{subject.mark}-round-{plan.steps}-{number}"
            if isinstance(subject.saver, Floor):
                await subject.saver.begin(thread, traffic[subject.name])
            before = await subject.cpu()
            times = await tell(subject.saver, calls, thread, READS, **subject.more)
            used = await subject.cpu() - before
            await subject.saver.adelete_thread(thread)
            if number >= 0:
                found[subject.name].times.add(times)
                found[subject.name].cpu.append(used)
    for subject in subjects:
        if not isinstance(subject.saver, Floor):
            await measure_size(plan, subject, found[subject.name])
    return found


async def measure_size(plan: Plan, subject: Subject, into: Measured) -> None:
    """Keep several threads, no two texts of which are alike, and see what they take."""
    runs = [await record(plan.steps, seed) for seed in range(1, plan.threads + 1)]
    checkpoints = sum(call.kind == "put" for calls in runs for call in calls)
    size, keys = await subject.size()
    for number, calls in enumerate(runs):
        await tell(subject.saver, calls, f"{subject.mark}-kept-{plan.steps}-{number}", **subject.more)
    size_after, keys_after = await subject.size()
    into.bytes_each = (size_after - size) / checkpoints
    into.keys = (keys_after - keys) / plan.threads
    for number in range(plan.threads):
        await subject.saver.adelete_thread(f"{subject.mark}-kept-{plan.steps}-{number}")


async def traffic_of_ours(ours: Subject, calls: Sequence[Call]) -> Traffic:
    """Return the bytes that our saver sends and reads for these calls."""

    async def told(saver: Any, thread: str) -> AsyncIterator[str]:
        for call in calls:
            await tell(saver, [call], thread)
            yield call.kind
        await tell(saver, [], thread, reads=1)
        yield "get"

    await tell(ours.saver, calls, "before", reads=1)  # the server knows its scripts after this
    await ours.saver.adelete_thread("before")
    traffic = await those.traffic_of(ours, told)
    await ours.saver.adelete_thread("traffic")
    return traffic


async def measure_runs(rounds: int, subjects: Sequence[Subject], order: random.Random) -> dict[str, list[float]]:
    """Return the milliseconds of whole runs, by subject and round."""
    driven = [subject for subject in subjects if not isinstance(subject.saver, Floor)]
    found: dict[str, list[float]] = {subject.name: [] for subject in driven}
    graphs = {subject.name: agent(subject.saver, RUN_STEPS, seed=0) for subject in driven}
    for number in range(-WARM_UP, rounds):
        for subject in order.sample(driven, len(driven)):
            place = where(f"{subject.mark}-run-{number}", **subject.more)
            begun = perf_counter()
            await graphs[subject.name].ainvoke(question(0), place, durability="sync")
            took = (perf_counter() - begun) * 1000
            await subject.saver.adelete_thread(f"{subject.mark}-run-{number}")
            if number >= 0:
                found[subject.name].append(took)
    return found


def table(plan: Plan, found: dict[str, Measured]) -> list[str]:
    """Return the rows for one number of steps, as Markdown."""
    lines = [
        f"{plan.steps} steps, {plan.rounds} rounds; ms, p10 / p50; bytes over {plan.threads} threads:",
        "",
        "| saver | put | put_writes | get (latest) | bytes per checkpoint | keys per thread | server CPU ms / thread |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        times = " | ".join(f"{each.at(kind, 0.1):.2f} / {each.at(kind, 0.5):.2f}" for kind in OPERATIONS)
        size = f"{each.bytes_each:,.0f}" if each.bytes_each else "-"
        keys = f"{each.keys:,.0f}" if each.keys else "-"
        cpu = f"{median(each.cpu):.1f}" if any(each.cpu) else "-"
        lines.append(f"| {name} | {times} | {size} | {keys} | {cpu} |")
    return [*lines, ""]


def run_table(found: dict[str, list[float]]) -> list[str]:
    """Return the rows of whole runs, as Markdown."""
    lines = [
        f"A whole run of {RUN_STEPS} steps, durability sync, {len(found[those.OURS])} rounds:",
        "",
        f"| saver | p50 ms | times {those.MEMORY}, median (least to most of a round) |",
        "|---|---|---|",
    ]
    for name, times in found.items():
        lines.append(f"| {name} | {median(times):.0f} | {ratio(times, found[those.MEMORY])} |")
    return [*lines, ""]


def goals(results: dict[int, dict[str, Measured]], runs: dict[str, list[float]]) -> list[str]:
    """Return the goals with what was reached, as Markdown."""
    rows: list[tuple[str, str, bool]] = []
    for steps, found in results.items():
        ours = found[those.OURS]
        rivals = [name for name in found if not name.startswith((those.OURS, those.MEMORY, "floor"))]
        for kind in ("put", "put_writes"):
            for floor, words in _FLOORS:
                of_floor = ratio(ours.by_round(kind), found[floor].by_round(kind))
                goal = f"{kind} at {steps} steps at most {LIMIT_FLOOR} times {words}"
                rows.append((goal, str(of_floor), of_floor.middle <= LIMIT_FLOOR))
            best = min(rivals, key=lambda name, kind=kind, found=found: median(found[name].by_round(kind)))
            of_best = ratio(ours.by_round(kind), found[best].by_round(kind))
            goal = f"{kind} at {steps} steps no slower than the fastest rival"
            rows.append((goal, f"{of_best} times {best}", of_best.middle <= 1))
    most = max(results)
    kept = results[most][those.OURS].bytes_each
    rows.append((f"under {LIMIT_BYTES:,} bytes per checkpoint at {most} steps", f"{kept:,.0f}", kept < LIMIT_BYTES))
    whole = ratio(runs[those.OURS], runs[those.MEMORY])
    rows.append((f"a whole run at most {LIMIT_RUN} times {those.MEMORY}", str(whole), whole.middle <= LIMIT_RUN))
    return [
        "| goal | measured | |",
        "|---|---|---|",
        *(f"| {goal} | {measured} | {'pass' if good else 'FAIL'} |" for goal, measured, good in rows),
        "",
    ]


def circumstances(servers: Sequence[str], without: str) -> list[str]:
    """Return when and on what this was measured."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average at the end {load}; servers: {', '.join(servers)}.{without}",
        "",
    ]


async def measure_all(plans: Sequence[Plan], seed: int) -> list[str]:
    """Measure everything and return the report's lines."""
    order = random.Random(seed)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = await stack.enter_async_context(those.plain_server(folder, "redis"))
        modules = await stack.enter_async_context(those.server_with_modules(folder))
        subjects = those.subjects_over(plain, modules, folder)
        for subject in subjects:
            subject.saver = await stack.enter_async_context(subject.opened)
        results = {plan.steps: await measure(plan, subjects, order) for plan in plans}
        runs = await measure_runs(plans[0].rounds // 2, subjects, order)
        named = [await those.named(each[1]) for each in (plain, modules) if each]
    without = "" if modules else f" {those.OFFICIAL} is left out: the packages of group `bench` are not installed."
    lines = [line for plan in plans for line in table(plan, results[plan.steps])]
    return [*lines, *run_table(runs), *goals(results, runs), *circumstances(named, without)]


def main() -> None:
    """Measure, print, and keep the report when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/checkpointer.md")
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, not to quote")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # the rivals' own
    report = "\n".join(asyncio.run(measure_all(QUICK if given.quick else FULL, given.seed)))
    print(report)
    if given.save:
        file = Path(__file__).parent / "runs" / "checkpointer.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# Checkpointers\n\n`python -m benchmarks.checkpointer --save`\n\n{report}", encoding="utf-8")


if __name__ == "__main__":
    main()
