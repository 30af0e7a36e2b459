"""From a click on Approve to the start of what was approved, beside a stock LangGraph resume.

`python -m benchmarks.approval [--save] [--quick]`. Ours is the worker as it is deployed, in this process: queue and
checkpoints in a Redis with an append-only file, rows in SQLite, Slack's and the target's servers on loopback. The clock
starts when the click lies in the worker's hands and stops when the target has read the request. The stock graphs send
the same request from a node behind an interrupt, or from a tool behind LangChain's HumanInTheLoopMiddleware, and keep
nothing but LangGraph's checkpoints. Of these the whole resume is timed as well, until it returns, as its run is kept
only then; ours has kept the decision, its history and the intent before the effect. All take turns in one run, in
another order each round, on the loop that the worker is deployed with (uvloop)."""

import argparse
import os
import platform
import random
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import uvloop

from benchmarks.approval_stock import is_rival
from benchmarks.approval_subjects import OURS, Subject, open_subjects

GOAL_P95, GOAL_RATIO = 0.150, 3.0
FULL, QUICK, WARM_UP = 100, 10, 5


@dataclass
class Measured:
    """What came out for one subject, in seconds."""

    whole: list[float] = field(default_factory=list)
    queued: list[float] = field(default_factory=list)
    resumed: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=dict)
    effects: int = 0
    most: int = 0

    def add(self, subject: Subject) -> None:
        """Take the subject's last round in."""
        stamps = subject.stamps.of_round()
        self.whole.append(stamps[-1][1] - subject.started)
        self.queued.append(stamps[-1][1] - subject.given)
        self.resumed.append(subject.ended - subject.started)
        last = subject.started
        for name, at in stamps:
            self.phases.setdefault(name, []).append(at - last)
            last = at
        self.effects += subject.effects
        self.most = max(self.most, subject.effects)

    def at(self, share: float) -> float:
        """Return the seconds that a share of the rounds took at most."""
        return sorted(self.whole)[min(len(self.whole) - 1, int(share * len(self.whole)))]


async def measure(rounds: int, seed: int) -> tuple[dict[str, Measured], str]:
    """Let the subjects take turns; returns what each took, and the server's name."""
    order = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with open_subjects(Path(folder)) as (subjects, server):
            found = {subject.name: Measured() for subject in subjects}
            for number in range(WARM_UP + rounds):
                for subject in order.sample(subjects, len(subjects)):
                    await subject.prepare(number)
                    await subject.click()
                    await subject.settle()
                    if number >= WARM_UP:
                        found[subject.name].add(subject)
    return found, server


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return each round's ratio."""
    return [one / two for one, two in zip(ours, theirs, strict=True)]


def report(found: dict[str, Measured], server: str, rounds: int) -> list[str]:
    """Return the lines of the report."""
    ours = found[OURS]
    lines = [
        "| click to the target's having read the request | p50 ms | p95 ms | ours over it, by round "
        "| its whole resume, p50 ms | ours over that, by round | effects | most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, each in found.items():
        resume = f"{median(each.resumed) * 1000:.1f} | {_spread(ours.whole, each.resumed)}"
        compared = " |  | " if name == OURS else f"{_spread(ours.whole, each.whole)} | {resume}"
        lines.append(
            f"| {name} | {each.at(0.5) * 1000:.1f} | {each.at(0.95) * 1000:.1f} | {compared} "
            f"| {each.effects} in {rounds} rounds | {each.most} |"
        )
    hop = sorted(late - whole for late, whole in zip(ours.queued, ours.whole, strict=True))
    lines += ["", f"Before that, the click's own way through the queue: p50 {median(hop) * 1000:.1f} ms.", ""]
    lines += ["| where ours is | p50 ms | p95 ms |", "|---|---|---|"]
    for name, spans in ours.phases.items():
        late = sorted(spans)[min(len(spans) - 1, int(0.95 * len(spans)))]
        lines.append(f"| {name} | {median(spans) * 1000:.1f} | {late * 1000:.1f} |")
    said = {True: "reached", False: "MISSED"}
    rivals = {name: median(ratios(ours.whole, each.resumed)) for name, each in found.items() if is_rival(name)}
    lines += [
        "",
        f"Goal p95 <= {GOAL_P95 * 1000:.0f} ms: {said[ours.at(0.95) <= GOAL_P95]}.",
        *(f"Goal <= {GOAL_RATIO:.0f}x {name}: {one:.2f}x, {said[one <= GOAL_RATIO]}." for name, one in rivals.items()),
        f"One effect each: {said[all(each.most == 1 and each.effects == rounds for each in found.values())]}.",
    ]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    lines += [
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load average at the end {load}; {server}.",
        "",
    ]
    return lines


def _spread(ours: Sequence[float], theirs: Sequence[float]) -> str:
    found = ratios(ours, theirs)
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def main() -> None:
    """Measure, print, and keep the report when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/approval.md")
    parser.add_argument("--quick", action="store_true", help="few rounds: to see that it runs, not to quote")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rounds = QUICK if given.quick else FULL
    text = "\n".join(report(*uvloop.run(measure(rounds, given.seed)), rounds))
    print(text)
    if given.save:
        file = Path(__file__).parent / "runs" / "approval.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# From Approve to the effect\n\n`python -m benchmarks.approval --save`\n\n{text}", "utf-8")


if __name__ == "__main__":
    main()
