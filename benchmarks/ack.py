"""What a durable acknowledgement costs: `python -m benchmarks.ack [--quick] [--save]`.

Our web role (signature, de-duplication and stream write in a real Redis, then 200) beside a stock async Bolt app that
checks the signature and stores nothing, both on uvicorn, uvloop and httptools. Every server is pinned to core 0, the
load to core 1, Redis is where the kernel puts it; contenders take turns in an order drawn for each round. Then the
whole bot, calm and with a model that hangs while the worker asks it."""

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
import psutil
from redis.asyncio import Redis

from benchmarks.ack_stall import AT_ONCE, Stalling, stalling
from bot.adapters.redis import keys
from bot.adapters.redis.embedded import keep_on_disk
from bot.adapters.redis.heartbeat import Heartbeat
from demo.slack import LocalWorkspace
from tests.fakes.processes import end, free_port, start
from tests.fakes.running_web import running_web
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until

LIMIT_P50, LIMIT_P99, LIMIT_STALLED = 2.0, 250.0, 1.2
SERVER, LOAD = {0}, {1}
BOLT, FLOOR, OURS = "Bolt, nothing stored", "bare 200", "ours"
MODES = {OURS: (), f"{OURS}, everysec": ("--appendfsync", "everysec"), f"{OURS}, always": ("--appendfsync", "always")}


async def load(port: int, connections: int, count: int, pause: float = 0.0) -> list[float]:
    """Return the milliseconds of each answer."""
    command = [sys.executable, "-m", "benchmarks.ack_load", str(port), str(connections), str(count), str(pause)]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    psutil.Process(child.pid).cpu_affinity(list(LOAD))
    async with asyncio.timeout(120):
        out, _ = await child.communicate()
    assert child.returncode == 0
    return json.loads(out)["ms"]


def share(values: Sequence[float], part: float) -> float:
    """Return the value below which that part of them lies."""
    return sorted(values)[int(part * (len(values) - 1))]


@asynccontextmanager
async def bare(kind: str, folder: Path) -> AsyncIterator[int]:
    """Yield the port of a server that stores nothing."""
    port = free_port()
    child = start([sys.executable, "-m", "benchmarks.bare_web", kind, str(port)], folder / f"{kind}.log")
    try:
        psutil.Process(child.pid).cpu_affinity(list(SERVER))
        async with httpx.AsyncClient() as http:

            async def up() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{port}/")).status_code == 404
                except httpx.TransportError:
                    return False

            await wait_until(up)
        yield port
    finally:
        end(child)


@asynccontextmanager
async def ours(slack: str, folder: Path, options: Sequence[str]) -> AsyncIterator[tuple[int, Redis]]:
    """Yield the port of our web role and its Redis, which writes to disk as `options` say."""
    folder.mkdir()
    child, url = start_redis(folder / "redis", "valkey", options)
    psutil.Process(child.pid).cpu_affinity(list(SERVER | LOAD))
    syncing = asyncio.create_task(keep_on_disk(folder / "redis")) if not options else None
    try:
        async with Redis.from_url(url) as redis, running_web(url, slack, folder) as web:
            await Heartbeat(redis, "worker", timedelta(hours=1)).beat()  # or the web role goes on looking for one
            web.process.cpu_affinity(list(SERVER))
            yield web.port, redis
    finally:
        if syncing:
            syncing.cancel()
        end(child)


Found = dict[str, list[list[float]]]


async def compare(folder: Path, rounds: int, single: int, many: int) -> tuple[Found, Found]:
    """Return the milliseconds of each contender's rounds, over one connection and over sixteen."""
    found: tuple[Found, Found] = ({}, {})
    async with AsyncExitStack() as stack:
        workspace = await stack.enter_async_context(LocalWorkspace(port=0))
        ports: dict[str, tuple[int, Redis | None]] = {}
        for name, kind in ((BOLT, "bolt"), (FLOOR, "floor")):
            ports[name] = (await stack.enter_async_context(bare(kind, folder)), None)
        for number, (name, options) in enumerate(MODES.items()):
            ports[name] = await stack.enter_async_context(ours(workspace.url, folder / str(number), options))
        for turn in range(rounds + 1):
            for name in random.sample(list(ports), len(ports)):
                port, redis = ports[name]
                for kind, (connections, count) in enumerate(((1, single), (16, many))):
                    times = await load(port, connections, count)
                    if turn:  # the first round warms up
                        found[kind].setdefault(name, []).append(times)
                    if redis is not None:
                        assert await redis.xlen(keys.SLACK) == count, "acknowledged and not written"
                        await redis.flushdb()
    return found


async def stalled(folder: Path, rounds: int, count: int) -> dict[str, list[list[float]]]:
    """Return the milliseconds of our web role's answers while the model answers and while it hangs."""
    found: dict[str, list[list[float]]] = {"calm": [], "stalled": []}
    async with stalling(folder) as scene:
        scene.pin(SERVER, LOAD)
        await load(scene.port, 1, count, 0.02)
        for _ in range(rounds):
            for state in random.sample(list(found), 2):
                found[state].append(await in_state(scene, state, count))
    return found


async def in_state(scene: Stalling, state: str, count: int) -> list[float]:
    """Return the milliseconds of so many paced answers in one of the two states."""
    if state == "calm":
        return await load(scene.port, 1, count, 0.02)
    async with scene.hanging() as waiting:
        times = await load(scene.port, 1, count, 0.02)
        assert waiting() == AT_ONCE, "the model answered"
    return times


def ratio(one: list[list[float]], two: list[list[float]]) -> tuple[float, str]:
    """Return the median of the rounds' ratios of medians, and how it is shown."""
    each = [median(ours) / median(theirs) for ours, theirs in zip(one, two, strict=True)]
    return median(each), f"{median(each):.2f} ({min(each):.2f} to {max(each):.2f})"


def rows(found: Found) -> list[str]:
    """Return the lines of one table."""
    lines = ["| | p50 ms | p95 ms | p99 ms | p50 beside Bolt |", "|---|---|---|---|---|"]
    for name, times in found.items():
        flat = [value for each in times for value in each]
        shown = " | ".join(f"{share(flat, part):.2f}" for part in (0.5, 0.95, 0.99))
        lines.append(f"| {name} | {shown} | {ratio(times, found[BOLT])[1]} |")
    return lines


def word(held: bool) -> str:
    """Return whether a goal is held."""
    return "held" if held else "MISSED"


async def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    os.sched_setaffinity(0, LOAD)
    rounds, single, many, paced = (3, 300, 600, 40) if options.quick else (9, 1500, 3200, 80)
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        one, sixteen = await compare(Path(folder), rounds, single, many)
        (Path(folder) / "stall").mkdir()
        states = await stalled(Path(folder) / "stall", rounds + 2, paced)
    p50, shown = ratio(one[OURS], one[BOLT])
    p99 = share([value for each in sixteen[OURS] for value in each], 0.99)
    slower, told = ratio(states["stalled"], states["calm"])
    calm = median(value for each in states["calm"] for value in each)
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {before:.1f} to {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, {rounds} rounds",
        *("", f"One connection, {single} events a round:", "", *rows(one)),
        *("", f"Sixteen connections, {many} events a round:", "", *rows(sixteen)),
        *("", "| goal | limit | measured | |", "|---|---|---|---|"),
        f"| durable p50 beside Bolt, one connection | {LIMIT_P50} | {shown} | {word(p50 <= LIMIT_P50)} |",
        f"| p99 at 16 connections | {LIMIT_P99:.0f} ms | {p99:.1f} ms | {word(p99 < LIMIT_P99)} |",
        f"| p50 while the model hangs, beside itself calm ({calm:.2f} ms, whole bot, 40 events/s) | {LIMIT_STALLED} | "
        f"{told} | {word(slower <= LIMIT_STALLED)} |",
    ]
    text = "\n".join(lines)
    print(text)
    if options.save:
        file = Path(__file__).parent / "runs" / "ack.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# A durable acknowledgement\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the rounds, a fifth of the events")
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/ack.md")
    parser.add_argument("--folder", type=Path, help="where Redis keeps its files; the disk that `always` waits for")
    asyncio.run(main(parser.parse_args()))
