"""Runs looks in parallel within a budget, and makes an Evidence of each."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.evidence import Evidence
from core.ports import Clock, ToolBox
from core.tool_call import ToolResult
from graphs.investigation.looks import Look

Progress = Callable[[Sequence[str], Sequence[str]], Awaitable[None]]
_SUMMARY_LIMIT = 300
_PROGRESS_EVERY, _PROGRESS_PATIENCE = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class GatherBudget:
    """How many calls, how many at once, how long."""

    calls: int
    parallel: int
    seconds: float


async def gather(
    looks: Sequence[Look], toolbox: ToolBox, clock: Clock, budget: GatherBudget, progress: Progress
) -> list[Evidence]:
    """Return one Evidence per look in the order of the looks, numbered E1..En; what exceeds the budget is `refused`."""
    within, beyond = looks[: budget.calls], looks[budget.calls :]
    gate = asyncio.Semaphore(budget.parallel)
    deadline = asyncio.get_running_loop().time() + budget.seconds
    doing, done = [look.title for look in within], list[str]()

    async def one(number: int, look: Look) -> Evidence:
        async with gate:
            item = await _read(f"E{number}", look, toolbox, clock, deadline)
        doing.remove(look.title)
        done.append(look.title)
        return item

    finished = asyncio.Event()
    reporter = asyncio.create_task(_tell(progress, done, doing, finished))
    try:
        found = await asyncio.gather(*(one(n, look) for n, look in enumerate(within, 1)))
    finally:
        finished.set()
        await _end(reporter)
    refused = ToolResult(status="refused", text="Not looked at: the budget of calls is used up.")
    extra = [make_evidence(f"E{n}", look, refused, clock, 0.0) for n, look in enumerate(beyond, len(within) + 1)]
    return [*found, *extra]


async def _tell(progress: Progress, done: list[str], doing: list[str], finished: asyncio.Event) -> None:
    """Show progress now, at most every half second while it moves, and at the end."""
    told = -1
    while True:
        ended = finished.is_set()
        if ended or len(done) != told:
            told = len(done)
            await progress(list(dict.fromkeys(done)), list(dict.fromkeys(doing)))
        if ended:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_PROGRESS_EVERY):
                await finished.wait()


async def _end(reporter: asyncio.Task[None]) -> None:
    """Let the last word be said, but not for long; that progress cannot be shown must not cost the investigation."""
    await asyncio.wait({reporter}, timeout=_PROGRESS_PATIENCE)
    reporter.cancel()
    await asyncio.gather(reporter, return_exceptions=True)


async def _read(evidence_id: str, look: Look, toolbox: ToolBox, clock: Clock, deadline: float) -> Evidence:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout_at(deadline):
            result = await toolbox.read(look.call)
    except TimeoutError:
        result = ToolResult(status="failed", text="No answer within the time for gathering evidence.")
    return make_evidence(evidence_id, look, result, clock, loop.time() - began)


def make_evidence(evidence_id: str, look: Look, result: ToolResult, clock: Clock, seconds: float) -> Evidence:
    """Return the Evidence of one tool result; its summary is one line."""
    status: Any = "failed" if result.status == "unknown" else result.status
    return Evidence(
        id=evidence_id,
        call=look.call,
        status=status,
        title=look.title,
        summary=" ".join(result.text.split())[:_SUMMARY_LIMIT],
        service=look.service,
        data=result.data,
        series=result.series,
        taken_at=clock.now(),
        seconds=round(seconds, 4),
    )
