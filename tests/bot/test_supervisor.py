"""A child whose configuration is wrong from the start ends everything; one that has worked is started again."""

import asyncio
import sys
from pathlib import Path

from bot.processes import CONFIGURATION_FAULT, Child, Supervisor
from tests.fakes.waiting import wait_until

COUNTING = """
import pathlib, sys
file = pathlib.Path(sys.argv[1])
starts = len(file.read_text()) + 1 if file.exists() else 1
file.write_text("x" * starts)
sys.exit(1 if starts == 1 and sys.argv[2] == "worked" else 2)
"""


def a_child(file: Path, past: str) -> Child:
    return Child("worker", (sys.executable, "-c", COUNTING, str(file), past), {})


async def test_a_file_that_breaks_while_the_bot_runs_does_not_end_it(tmp_path: Path) -> None:
    file = tmp_path / "starts"
    async with Supervisor() as supervisor:
        supervisor.keep(a_child(file, "worked"))
        await wait_until(lambda: file.exists() and len(file.read_text()) >= 3)
        assert not supervisor.stopping.is_set()


async def test_a_file_that_is_broken_at_the_start_ends_it(tmp_path: Path) -> None:
    async with Supervisor() as supervisor:
        supervisor.keep(a_child(tmp_path / "starts", "never"))
        await asyncio.wait_for(supervisor.stopping.wait(), timeout=10)
        assert supervisor.status == CONFIGURATION_FAULT
