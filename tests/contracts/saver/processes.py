"""A process that gets a graph to some point and is gone: only what a saver has written outlives it."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from langgraph.types import Command

from tests.contracts.saver.graphs import asking, config
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import Opener

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.contracts.saver.processes"])


async def elsewhere(work: Callable[[Opener, Ground], Awaitable[None]], opener: Opener, ground: Ground) -> int:
    """Run `work` in a process of its own and return how that ended: 0, or minus the signal that killed it."""
    child = _context.Process(target=partial(_run, work, opener, ground))
    child.start()
    await asyncio.to_thread(child.join, 20)
    ended = child.exitcode
    if ended is None:
        child.kill()
        child.join()
    child.close()
    assert ended is not None, "the process did not end"
    return ended


async def ask_one(opener: Opener, ground: Ground) -> None:
    """Get a graph to its gate."""
    async with opener(ground) as saver:
        await asking(saver, ["restart"]).ainvoke({}, config(), durability="sync")


async def answer_and_die(opener: Opener, ground: Ground) -> None:
    """Answer the first of two gates, do what it allows, and be killed on the way to the second."""
    async with opener(ground) as saver:
        graph = asking(saver, TWO_ACTS, killed_at=TWO_ACTS[1])
        await graph.ainvoke({}, config(), durability="sync")
        await graph.ainvoke(Command(resume="approve"), config(), durability="sync")


TWO_ACTS: Sequence[str] = ("restart", "drop database")


def _run(work: Callable[[Opener, Ground], Any], opener: Opener, ground: Ground) -> None:
    asyncio.run(work(opener, ground))
