"""Who passes what LangGraph's suite asks and what it does not: `python -m benchmarks.saver_probes [--save]`.

The checks are those of tests/contracts/saver; here the published savers are put to every one of them."""

import argparse
import asyncio
import logging
import os
import platform
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from langgraph.checkpoint.serde.encrypted import EncryptedSerializer

from benchmarks.saver_subjects import modules_command
from tests.contracts.saver import savers
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.probes import PROBES, Check
from tests.contracts.saver.savers import TTL, Opener
from tests.contracts.saver.test_conformance import conformance
from tests.fakes.clusters import start_cluster, start_on_port
from tests.fakes.processes import end

PATIENCE = 60
Start = Callable[[], AbstractContextManager[Ground]]


@asynccontextmanager
async def official(ground: Ground, *, serde: Any = None) -> AsyncIterator[Any]:
    """Yield AsyncRedisSaver of langgraph-checkpoint-redis; it takes no serializer, so only a cipher is forced on it."""
    from langgraph.checkpoint.redis.aio import AsyncRedisSaver

    async with _official(AsyncRedisSaver, ground, serde) as saver:
        yield saver


@asynccontextmanager
async def shallow(ground: Ground, *, serde: Any = None) -> AsyncIterator[Any]:
    """Yield AsyncShallowRedisSaver of langgraph-checkpoint-redis."""
    from langgraph.checkpoint.redis.ashallow import AsyncShallowRedisSaver

    async with _official(AsyncShallowRedisSaver, ground, serde) as saver:
        yield saver


@asynccontextmanager
async def _official(made: Any, ground: Ground, serde: Any) -> AsyncIterator[Any]:
    async with made.from_conn_string(ground.url, ttl={"default_ttl": TTL.total_seconds() / 60}) as saver:
        await saver.asetup()
        if isinstance(serde, EncryptedSerializer):
            saver.serde = serde
        yield saver


@contextmanager
def server(engine: str, extra: tuple[str, ...] = (), program: str | None = None) -> Any:
    """Yield a server as a place of its own."""
    folder = Path(tempfile.mkdtemp())
    child, port = start_on_port(folder, engine, extra, program=program)
    url = f"redis://127.0.0.1:{port}"
    try:
        yield Ground(url, (url,), (child.pid,))
    finally:
        end(child)
        shutil.rmtree(folder)


@contextmanager
def cluster(masters: int) -> Any:
    """Yield a cluster as a place of its own."""
    folder = Path(tempfile.mkdtemp())
    children, ports = start_cluster(folder, "redis", masters)
    nodes = tuple(f"redis://127.0.0.1:{port}" for port in ports)
    try:
        yield Ground(nodes[0].replace("redis://", "redis+cluster://"), nodes, tuple(child.pid for child in children))
    finally:
        for child in children:
            end(child)
        shutil.rmtree(folder)


async def asked(check: Check, opener: Opener, ground: Ground) -> str:
    """Return an empty string for a saver that passes, else what was found."""
    try:
        async with asyncio.timeout(PATIENCE):
            await check(opener, ground)
    except Exception as error:  # noqa: BLE001 - a rival may fail in any way
        return f"{type(error).__name__}: {error}".replace("\n", " ").replace("|", "/")[:110]
    return ""


async def counted(opener: Opener, ground: Ground) -> str:
    """Return how many of the suite's tests a saver passes."""
    try:
        report, results = await conformance(opener, ground)
    except Exception as error:  # noqa: BLE001 - a rival may fail in any way
        return f"does not start: {error}"[:60]
    passed = sum(error is None for error in results.values())
    return f"{passed}/{len(results)} {report.conformance_level()}"


def column(opener: Opener, start: Start) -> list[str]:
    """Return what one saver comes to: conformance, then every probe."""
    with start() as ground:
        found = [asyncio.run(counted(opener, ground))]
    for probe in PROBES:
        # Ours is asked as it is opened for that probe: one of them is about the key.
        opened = probe.saver if opener is savers.ours else opener
        with start() as ground:
            found.append(asyncio.run(asked(probe.check, opened, ground)))
    return found


def columns() -> dict[str, list[str]]:
    """Return all columns; without the packages of group `bench`, those that need them are left out."""
    found = {
        "ours, Redis 7.0": column(savers.ours, lambda: server("redis")),
        "ours, Valkey 9": column(savers.ours, lambda: server("valkey")),
        "ours, cluster": column(savers.ours, lambda: cluster(3)),
        "AsyncValkeySaver": column(savers.valkey, lambda: server("redis")),
        "plainredis": column(savers.plainredis, lambda: server("redis")),
    }
    command = modules_command()
    if command:
        program, extra = command
        for name, opener in (("AsyncRedisSaver", official), ("AsyncShallowRedisSaver", shallow)):
            found[name] = column(opener, lambda: server("redis", extra, program))
    return found


def report(found: dict[str, list[str]]) -> str:
    """Return the table as Markdown, and below it what was found where a saver fails."""
    names = [probe.name for probe in PROBES]
    lines = [f"| | {' | '.join(found)} |", "|---" * (len(found) + 1) + "|"]
    lines.append(f"| conformance | {' | '.join(each[0] for each in found.values())} |")
    details: list[str] = []
    for number, name in enumerate(names, 1):
        cells = ["**fails**" if each[number] else "holds" for each in found.values()]
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
        details += [f"- {name}, {saver}: {each[number]}" for saver, each in found.items() if each[number]]
    lines += ["", *details, "", f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, "]
    lines[-1] += f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}."
    return "\n".join(lines) + "\n"


def main() -> None:
    """Ask all, print, and keep the table when asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/saver_probes.md")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    text = report(columns())
    print(text)
    if given.save:
        file = Path(__file__).parent / "runs" / "saver_probes.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# Probes of savers\n\n`python -m benchmarks.saver_probes --save`\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
