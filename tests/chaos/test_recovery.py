"""How long a real bot takes to its next effect after kill -9: cold starts, its own supervisor, its own leases."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from statistics import median
from time import monotonic

import httpx
import pytest

from tests.chaos.rig import Message, Rig, facts, open_rig, settle
from tests.fakes.running_bot import RunningBot
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TIMES = 5
RECOVERED_WITHIN = 8.0


@asynccontextmanager
async def real_bot(folder: Path) -> AsyncIterator[tuple[Rig, RunningBot]]:
    """Yield a rig whose forked roles are gone and in whose place `python -m bot run` stands."""
    async with open_rig(folder) as rig:
        for name in ("worker0", "web"):
            await rig.roles.end(name)
        async with httpx.AsyncClient(base_url=rig.web_url) as http:
            bot = RunningBot(folder, dict(rig.environment), http)
            try:
                await bot.start()
                yield rig, bot
            finally:
                await asyncio.to_thread(bot.stop)


def intents(rig: Rig) -> int:
    """Return how many attempts have begun and not ended, as SQL has it."""
    with closing(sqlite3.connect(rig.folder / "data" / "watchkeeper.db")) as rows:
        return rows.execute("SELECT count(*) FROM effects WHERE status = 'intent'").fetchone()[0]


async def killed_at_the_claim(rig: Rig, bot: RunningBot, card: Message) -> float:
    """Kill the worker in the instant in which Slack has its 200 for the click."""
    assert await rig.click(card)
    bot.role("worker").kill()
    return monotonic()


async def killed_at_the_intent(rig: Rig, bot: RunningBot, card: Message) -> float:
    """Kill the worker as soon as the intent row stands; the target acts half a second later."""
    rig.target.manner, rig.target.lag = "act late", 0.5
    pid = bot.role("worker").pid
    clicking = asyncio.create_task(rig.click(card))
    await wait_until(lambda: intents(rig) > 0)
    os.kill(pid, signal.SIGKILL)
    killed = monotonic()
    assert await clicking
    rig.target.manner = "at once"
    return killed


async def test_after_a_kill_the_next_effect_comes_within_eight_seconds(tmp_path: Path) -> None:
    to_effect: list[float] = []
    to_end: list[float] = []
    for number in range(2 * TIMES):
        # A new bot each time: its supervisor makes ever longer pauses after one that ends again and again.
        folder = tmp_path / str(number)
        folder.mkdir()
        async with real_bot(folder) as (rig, bot):
            waiting = await rig.card(await rig.ask("scale shop01 to 3"), "pending")
            running = await rig.card(await rig.ask("scale shop02 to 3"), "pending")
            await settle(rig)
            kill = killed_at_the_claim if number % 2 else killed_at_the_intent
            killed = await kill(rig, bot, running)
            await wait_until(partial(rig.click, waiting), 10)
            await rig.card(waiting["thread_ts"], "executed", within=40)
            to_effect.append(min(each.monotonic for each in rig.target.ledger if each.service == "shop01") - killed)
            ended = await rig.card(running["thread_ts"], "executed", "unknown", within=40)
            to_end.append(monotonic() - killed)
            await settle(rig)
            known = facts(ended)["status"] == "executed"  # else it was killed before the call, and a human is told
            assert len(rig.target.ledger) == 1 + known
            assert await rig.violations() == []
    print(f"\nkill to the next effect: p50 {median(to_effect):.1f} s, max {max(to_effect):.1f} s")
    print(f"kill to the end of the run it cut: p50 {median(to_end):.1f} s, max {max(to_end):.1f} s")
    assert max(to_effect) <= RECOVERED_WITHIN
