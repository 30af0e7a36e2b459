"""How soon each role is there and what it takes: `python -m benchmarks.roles [--quick] [--save]`.

`python -m bot run` in Slack's socket mode over the local workspace, for the second time over its data (the first writes
the schema): seconds from its start until each process has come
and the whole is ready, and resident memory once it idles. Beside it, in the same rounds and an order drawn for each, a
bare async Bolt process that serves and a process that has loaded LangGraph, Redis and Bolt. Packages that the locked
environment of an operator does not have (`rich` and what it brings) are hidden from all of them."""

import argparse
import asyncio
import os
import platform
import random
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
import psutil

from demo.slack import LocalWorkspace
from tests.fakes.processes import end, free_port
from tests.fakes.running_bot import RunningBot, settings_for
from tests.fakes.running_web import running_web
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until

HIDDEN = ("rich", "pygments")
LIMIT = 1.5
BOLT, BARE_WORKER = "bare Bolt, serving", "bare LangGraph, Redis and Bolt, loaded"
WEB_ALONE, READY = "web role alone, in reach", "whole bot, ready"
Row = dict[str, tuple[float, float]]
"""Seconds until it is there (0: not measured) and MB it takes, by process."""


def megabytes(process: psutil.Process) -> float:
    """Return resident memory."""
    return process.memory_info().rss / 1e6


async def bare(kind: str, name: str, folder: Path) -> Row:
    """Start what our roles are held against."""
    port, log = free_port(), folder / f"{kind}.log"
    began = perf_counter()
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bare_web", kind, str(port)),
        stdin=asyncio.subprocess.PIPE,
        stdout=log.open("wb"),
    )
    try:
        async with httpx.AsyncClient() as http:

            async def there() -> bool:
                if kind == "import":
                    return log.read_bytes().startswith(b"ready")
                try:
                    return (await http.get(f"http://127.0.0.1:{port}/")).status_code == 404
                except httpx.TransportError:
                    return False

            await wait_until(there, 60)
        took = perf_counter() - began
        return {name: (took, megabytes(psutil.Process(child.pid)))}
    finally:
        child.terminate()
        await child.wait()


async def web_alone(slack: str, folder: Path) -> Row:
    """Start the web role over a Redis that runs already."""
    child, url = start_redis(folder / "redis", "valkey")
    try:
        began = perf_counter()
        async with running_web(url, slack, folder / "web") as web:
            return {WEB_ALONE: (perf_counter() - began, web.memory())}
    finally:
        end(child)


async def whole(slack: str, folder: Path) -> Row:
    """Start everything, and look at each process when it idles."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{(port := free_port())}", timeout=5) as http:
        bot = RunningBot(folder, settings_for(slack, folder, port), http)
        try:
            await bot.start(60)
            await asyncio.to_thread(bot.stop)
            began = perf_counter()
            await bot.start(60)
            found: Row = {READY: (perf_counter() - began, 0)}
            await asyncio.sleep(1)
            assert bot.process is not None
            started = psutil.Process(bot.process.pid)
            processes = {"supervisor": started} | {name: bot.role(name) for name in ("web", "worker", "redis")}
            found |= {name: (0, megabytes(each)) for name, each in processes.items()}
            found[READY] = (found[READY][0], sum(taken for _, taken in found.values()))
            return found
        finally:
            await asyncio.to_thread(bot.stop)


async def measure(folder: Path, rounds: int) -> list[Row]:
    """Return what each round found, without the first, which warms up the disk."""
    found: list[Row] = []
    async with LocalWorkspace(port=0) as workspace:
        ways: list[Callable[[Path], Awaitable[Row]]] = [
            lambda here: bare("bolt", BOLT, here),
            lambda here: bare("import", BARE_WORKER, here),
            lambda here: web_alone(workspace.url, here),
            lambda here: whole(workspace.url, here),
        ]
        for turn in range(rounds + 1):
            row: Row = {}
            for number in random.sample(range(len(ways)), len(ways)):
                here = folder / f"{turn}-{number}"
                here.mkdir()
                row |= await ways[number](here)
                shutil.rmtree(here)
            found.append(row)
    return found[1:]


def hide(folder: Path) -> None:
    """Make the packages of HIDDEN fail to be imported by every child."""
    for name in HIDDEN:
        (folder / f"{name}.py").write_text("raise ImportError\n")
    os.environ["PYTHONPATH"] = str(folder)


def beside(found: list[Row], one: str, two: str, part: int) -> tuple[float, str]:
    """Return the median of the rounds' ratios, and how it is shown."""
    each = [row[one][part] / row[two][part] for row in found]
    return median(each), f"{median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def described(found: list[Row]) -> list[str]:
    """Return the lines of the tables."""
    lines = ["| process | seconds to be there | MB |", "|---|---|---|"]
    for name in found[0]:
        seconds, taken = (median(row[name][part] for row in found) for part in (0, 1))
        lines.append(f"| {name} | {f'{seconds:.2f}' if seconds else ''} | {taken:.0f} |")
    lines += ["", "| goal | limit | measured | |", "|---|---|---|---|"]
    for what, one, two, part in (
        ("memory of web beside bare Bolt", "web", BOLT, 1),
        ("start of web beside bare Bolt", WEB_ALONE, BOLT, 0),
        ("memory of worker beside bare LangGraph, Redis and Bolt", "worker", BARE_WORKER, 1),
    ):
        middle, shown = beside(found, one, two, part)
        lines.append(f"| {what} | {LIMIT} | {shown} | {'held' if middle <= LIMIT else 'MISSED'} |")
    return lines


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    rounds, before = 2 if options.quick else 5, os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        (hidden := Path(folder) / "hidden").mkdir()
        hide(hidden)
        found = asyncio.run(measure(Path(folder), rounds))
    head = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {before:.1f} to {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, medians of {rounds} rounds"
    )
    text = "\n".join([head, "", *described(found)])
    print(text)
    if options.save:
        file = Path(__file__).parent / "runs" / "roles.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# What each role takes\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/roles.md")
    main(parser.parse_args())
