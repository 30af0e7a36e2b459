"""What the chain over the history costs beside a plain insert: `python -m benchmarks.audit [--quick] [--save]`.

Both tables stand in one database and are written in turn, the order of each pair drawn; every append is a transaction
of its own that waits for the disk. Afterwards a history of 100,000 rows is verified."""

import argparse
import asyncio
import os
import platform
import random
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import Column, Index, MetaData, Table

from bot.adapters.database.audit_check import check_chain
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.migrate import migrate
from bot.adapters.database.models import audit_events
from core.audit import AuditEvent
from core.audit_chain import content_of, next_head
from tests.fakes.databases import own_postgresql, postgresql_programs
from tests.fakes.examples import an_audit_event

LIMIT_RATIO, LIMIT_SECONDS = 1.3, 2.0
CHAIN = ("previous_hash", "hash", "sequence")
Append = Callable[[AuditEvent], Awaitable[None]]

plain = Table(
    "audit_events_plain",
    MetaData(),
    *(
        Column(c.name, c.type, primary_key=c.primary_key, nullable=c.nullable)
        for c in audit_events.c
        if c.name not in CHAIN
    ),
    sqlite_autoincrement=True,
)
for name in ("incident_id", "subject"):
    Index(f"ix_plain_{name}", plain.c[name], plain.c.id)


def an_event(number: int) -> AuditEvent:
    """Return an event of the usual size."""
    return an_audit_event(
        subject=f"apr_{number % 997}",
        incident_id=f"INC-{number % 101}",
        details={
            "action_id": f"act_{number}",
            "tool": "restart_service",
            "digest": "d" * 64,
            "args": {"number": number},
        },
    )


def appending(database: Database) -> dict[str, Append]:
    """Return both ways to write one event; the plain one spares itself whatever the other does."""
    statement = plain.insert().inline()

    async def insert(event: AuditEvent) -> None:
        async with database.writing() as connection:
            await connection.execute(statement, event.model_dump())

    return {"chain": SqlAudit(database).append, "plain": insert}


async def measure(url: str, rounds: int, each: int) -> dict[str, list[list[float]]]:
    """Return the milliseconds of each append, by way and by round; the first round is thrown away."""
    await migrate(url)
    database = open_database(url)
    async with database.writing() as connection:
        await connection.run_sync(plain.metadata.create_all)
    ways = appending(database)
    times: dict[str, list[list[float]]] = {way: [] for way in ways}
    for _ in range(rounds + 1):
        for way in ways:
            times[way].append([])
        for number in range(each):
            for way in random.sample(list(ways), len(ways)):
                event = an_event(number)
                began = perf_counter()
                await ways[way](event)
                times[way][-1].append((perf_counter() - began) * 1000)
    await database.close()
    return {way: found[1:] for way, found in times.items()}


async def fill(url: str, rows: int) -> None:
    """Make the history that long, in big transactions: the rows are those that appending would have made."""
    database = open_database(url)
    async with database.writing() as connection:
        head = (await check_chain(url)).head
    for start in range(head.sequence + 1, rows + 1, 5000):
        batch: list[dict[str, Any]] = []
        for number in range(start, min(start + 5000, rows + 1)):
            event = an_event(number)
            previous, head = head, next_head(head, content_of(event))
            batch.append(event.model_dump() | {"sequence": number, "previous_hash": previous.hash, "hash": head.hash})
        async with database.writing() as connection:
            await connection.execute(audit_events.insert(), batch)
    await database.close()


async def verifying(url: str, rows: int, times: int) -> list[float]:
    """Return the seconds of each check of a history that long."""
    await fill(url, rows)
    found: list[float] = []
    for _ in range(times):
        began = perf_counter()
        verdict = await check_chain(url)
        found.append(perf_counter() - began)
        assert verdict.intact, verdict
        assert verdict.rows == rows
    return found


def described(engine: str, times: dict[str, list[list[float]]], seconds: list[float], rows: int) -> list[str]:
    """Return the lines of one engine's table."""
    p50 = {way: median(value for each in found for value in each) for way, found in times.items()}
    ratios = [median(one) / median(two) for one, two in zip(times["chain"], times["plain"], strict=True)]
    middle, worst = median(ratios), max(seconds)
    return [
        f"| {engine} | append, p50 | chain {p50['chain']:.2f} ms, plain {p50['plain']:.2f} ms | "
        f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {LIMIT_RATIO} | {word(middle <= LIMIT_RATIO)} |",
        f"| {engine} | verify {rows:,} rows | {median(seconds):.2f} s ({min(seconds):.2f} to {worst:.2f}) | "
        f"| {LIMIT_SECONDS} s | {word(median(seconds) < LIMIT_SECONDS)} |",
    ]


def word(held: bool) -> str:
    """Return whether a goal is held."""
    return "held" if held else "MISSED"


def main(options: argparse.Namespace) -> None:
    """Measure both engines and print the table."""
    rounds, each, rows = (3, 50, 20_000) if options.quick else (9, 150, 100_000)
    load = os.getloadavg()[0]
    lines = ["| engine | what | measured | ratio (of rounds) | goal | |", "|---|---|---|---|---|---|"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        urls = {"SQLite (WAL, FULL)": f"sqlite:///{folder / 'audit.db'}"}
        programs = postgresql_programs()
        if programs is not None:
            urls["PostgreSQL (fsync)"] = stack.enter_context(own_postgresql(programs, durable=True))
        for engine, url in urls.items():
            times = asyncio.run(measure(url, rounds, each))
            lines += described(engine, times, asyncio.run(verifying(url, rows, 3)), rows)
    machine = f"{os.cpu_count()} cores, load {load:.1f} to {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    text = "\n".join(
        (f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {rounds} rounds of {each} appends each way", "", *lines)
    )
    print(text)
    if options.save:
        file = Path(__file__).parent / "runs" / "audit.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"# The chain over the history\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the rounds, a fifth of the rows")
    parser.add_argument("--save", action="store_true", help="write benchmarks/runs/audit.md")
    parser.add_argument("--folder", type=Path, help="where the SQLite file is put; its disk is what is waited for")
    main(parser.parse_args())
