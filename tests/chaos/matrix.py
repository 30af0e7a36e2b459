"""Which test shows what becomes of which fault: `python -m tests.chaos.matrix`, with `--run` to run them first.

Rows are numbered as in the list of faults and attacks that the design was made against."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tests.chaos import matrix_approvals, matrix_core
from tests.chaos.matrix_row import Row

ROOT = Path(__file__).parents[2]


def _number(row: Row) -> float:
    return float(row.number) if row.number.isdigit() else float("inf")


ROWS: tuple[Row, ...] = tuple(sorted((*matrix_core.ROWS, *matrix_approvals.ROWS), key=_number))


def table(outcomes: dict[str, str]) -> Iterator[str]:
    """Yield the lines of the table; `outcomes` says of tests that were run how that ended."""
    yield "| row | fault | bar | tests | twins without the protection | long form |"
    yield "|---|---|---|---|---|---|"
    for row in ROWS:
        cells = (_listed(row.tests, outcomes), _listed(row.twins, outcomes), f"`{row.long}`" if row.long else "")
        yield f"| {row.number} | {row.fault} | {row.bar} | " + " | ".join(cells) + " |"


def _listed(tests: tuple[str, ...], outcomes: dict[str, str]) -> str:
    return "<br>".join(f"{test} {outcomes.get(f'tests/{test}', '')}".strip() for test in tests)


def run() -> dict[str, str]:
    """Run every test of the table once; returns how each ended, the worst of its parameters."""
    named = sorted({f"tests/{test}" for row in ROWS for test in (*row.tests, *row.twins)})
    outcomes: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", f"--junitxml={report}", *named]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr)
        for case in ElementTree.parse(report).iter("testcase"):
            file = case.get("classname", "").replace(".", "/") + ".py"
            test = f"{file}::{case.get('name', '').split('[')[0]}"
            faults = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            outcomes[test] = faults[0].upper() if faults else outcomes.get(test, "PASSED")
    return outcomes


def main() -> int:
    """Print the table; with `--run` the exit status says whether all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true")
    outcomes = run() if parser.parse_args().run else {}
    print("\n".join(table(outcomes)))
    return int(any(word in ("FAILURE", "ERROR") for word in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
