"""Our approvals and LangChain's HumanInTheLoopMiddleware, put through the same faults in the same run.

`python -m benchmarks.approvals [--save] [--rows-only]`. Each row is one scenario (benchmarks/approvals_rows.py) that
all subjects play; it is judged by what the target's own ledger holds, and by the record where that is promised. Ours
is a worker with its queue, rows, graphs, guard and ledger, Slack's payloads in and Slack's calls out; stock is
`create_agent` with the middleware, a scripted model and a tool that keeps a ledger. Then comes how long a click takes,
from benchmarks.approval."""

import argparse
import asyncio
import logging
import platform
import warnings
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

import langchain
import structlog
import uvloop

from benchmarks import approval
from benchmarks.approvals_ours import open_ours
from benchmarks.approvals_rows import ROWS, Loop, Row, Seen
from benchmarks.approvals_stock import open_stock
from tests.chaos.inside.place import Place, a_place

OURS = "ours"
NAMES = ("stock, InMemorySaver", "stock, AsyncSqliteSaver", OURS)
PATIENCE = 60.0


def opened(name: str, place: Place) -> AbstractAsyncContextManager[Loop]:
    """Return a fresh subject."""
    if name == OURS:
        return open_ours(place)
    return open_stock(name, place.folder if "Sqlite" in name else None)


async def play(row: Row, name: str, place: Place) -> Seen:
    """Play one row; what breaks down is a result too."""
    async with opened(name, place) as loop:
        try:
            async with asyncio.timeout(PATIENCE):
                return await row.play(loop)
        except Exception as error:  # noqa: BLE001 - whatever a subject raises is what came of the row
            return Seen(False, f"{type(error).__name__}: {str(error)[:80]}")


def table(place: Place) -> tuple[list[str], dict[str, int]]:
    """Return the table, and how many rows each passes."""
    lines = [f"| what befalls it | has to be | {' | '.join(NAMES)} |", f"|---|---|{'---|' * len(NAMES)}"]
    passed = dict.fromkeys(NAMES, 0)
    for row in ROWS:
        cells: list[str] = []
        for name in NAMES:
            seen = place.run(play(row, name, place))
            passed[name] += seen.right
            cells.append(f"{'pass' if seen.right else '**FAIL**'}: {seen.said}")
        lines.append(f"| {row.title} | {row.want} | {' | '.join(cells)} |")
    return [*lines, "", *(f"{name}: {count} of {len(ROWS)}" for name, count in passed.items()), ""], passed


def report(rows_only: bool, rounds: int) -> tuple[str, bool]:
    """Return the whole report, and whether ours passes every row."""
    with a_place() as place:
        lines, passed = table(place)
    lines += [
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, langchain {langchain.__version__}.",
        "",
    ]
    if not rows_only:
        found = uvloop.run(approval.measure(rounds, seed=1))
        lines += ["## How long a click takes", "", *approval.report(*found, rounds)]
    return "\n".join(lines), passed[OURS] == len(ROWS)


def main() -> None:
    """Play, print, and keep the report when asked; exit 1 when a row of ours fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/approvals.md")
    parser.add_argument("--rows-only", action="store_true", help="leave the times out")
    parser.add_argument("--rounds", type=int, default=approval.FULL)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    text, right = report(given.rows_only, given.rounds)
    print(text)
    if given.save:
        command = "python -m benchmarks.approvals --save"
        file = Path(__file__).parent / "runs" / "approvals.md"
        file.write_text(f"# Approvals beside stock human-in-the-loop\n\n`{command}`\n\n{text}", "utf-8")
    raise SystemExit(not right)


if __name__ == "__main__":
    main()
