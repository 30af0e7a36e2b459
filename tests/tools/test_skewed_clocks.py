"""Two workers whose clocks differ: nothing runs that was ended as not run, and no running attempt is given up."""

import asyncio
from datetime import timedelta
from typing import Any

from core.approval import ApprovalStatus
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus
from core.fitness import SKEW
from core.services.endings import Endings
from core.services.leftovers import OVERDUE_AFTER
from core.tool_call import Plan, ToolCall, ToolResult
from tests.fakes.clock import FakeClock
from tests.fakes.effects import InMemoryEffects
from tests.fakes.waiting import comes_true, wait_until
from tests.tools.conftest import Bench
from tests.tools.test_leftovers import Sweep
from tools.guard import Guard


class Heedless(InMemoryEffects):
    """Broken on purpose: writes an intent whatever has become of its request."""

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        self.rows[effect.action_id] = effect
        return True


def ahead(bench: Bench, seconds: float, **guard: Any) -> Sweep:
    """Return the sweep of another worker whose clock is ahead of the bench's by so much."""
    sweep, clock, ours = Sweep(bench), FakeClock(bench.clock.now() + timedelta(seconds=seconds)), bench.clock
    bench.clock = clock
    toolbox = bench.guard(**guard)
    bench.clock = ours
    for part, name, value in (
        (sweep.leftovers, "clock", clock),
        (sweep.leftovers.endings, "clock", clock),
        (sweep.leftovers, "toolbox", toolbox),
    ):
        object.__setattr__(part, name, value)
    return sweep


async def ended_during_the_dry_run(bench: Bench) -> tuple[ToolResult, ApprovalStatus]:
    """Let another worker end a request as over while ours, whose clock is far behind, looks at its target."""
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.clock.advance(minutes=4, seconds=50)
    sweep = ahead(bench, 10 + OVERDUE_AFTER.total_seconds() + 1)

    class Slow(Guard):
        async def plan(self, call: ToolCall) -> Plan:
            found = await super().plan(call)
            await sweep.leftovers.tick()
            return found

    result = await bench.guard(Slow).execute(row, grant)
    return result, (await bench.approvals.load(row.id)).status


async def test_what_was_ended_as_not_run_during_the_dry_run_does_not_run(bench: Bench) -> None:
    result, status = await ended_during_the_dry_run(bench)
    assert (result.status, status) == ("refused", ApprovalStatus.RAN_OUT)
    assert (bench.peer.effects, bench.effects.rows) == ([], {})
    assert bench.kinds == ["EffectRefused"]


async def test_a_ledger_that_does_not_ask_runs_what_was_ended_and_is_caught(bench: Bench) -> None:
    bench.effects = Heedless()
    _, status = await ended_during_the_dry_run(bench)
    assert (status, len(bench.peer.effects)) == (ApprovalStatus.RAN_OUT, 1)


async def seen_while_it_runs(bench: Bench, skew_seconds: float, within: float) -> tuple[str, EffectStatus]:
    """Let a worker ahead by twice the allowed skew come across an attempt that runs since a moment, and goes on until
    it is judged, or for so many seconds; return that worker's words and what the ledger then says."""
    row, grant = await bench.approved("restart_service", service="checkout")
    guard = bench.guard(timeout=1.0)
    run, judged = guard._attempts._run, asyncio.Event()

    async def on_its_way(*given: Any) -> ToolResult:
        await comes_true(judged.is_set, within)
        return await run(*given)

    guard._attempts._run = on_its_way
    running = asyncio.create_task(guard.execute(row, grant))
    await wait_until(lambda: bool(bench.effects.rows))
    sweep = ahead(bench, 2 * SKEW.total_seconds(), skew_seconds=skew_seconds, timeout=1.0)
    settled = await sweep.leftovers.toolbox.settle(row.id)
    while_running = bench.effects.rows[row.action_id].status
    judged.set()
    result = await running
    assert result.status == "ok"
    await Endings(bench.approvals, sweep.cards, bench.audit, bench.clock).write(row.id, None, "ok", result.text)
    assert (await bench.approvals.load(row.id)).status is ApprovalStatus.EXECUTED
    return settled.status if settled else "", while_running


async def test_an_attempt_under_way_is_not_given_up_by_a_worker_whose_clock_is_ahead(bench: Bench) -> None:
    assert await seen_while_it_runs(bench, 2 * SKEW.total_seconds(), 0.5) == ("ok", EffectStatus.DONE)


async def test_without_the_allowance_it_is_called_unknown_and_corrected_by_who_ran_it(bench: Bench) -> None:
    assert await seen_while_it_runs(bench, 0.0, 10) == ("unknown", EffectStatus.UNKNOWN)
    assert bench.kinds[-2:] == ["EffectUnknown", "EffectDone"]


def test_what_is_overdue_is_so_by_every_clock() -> None:
    assert OVERDUE_AFTER > 2 * SKEW
