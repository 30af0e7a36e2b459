"""Between the last check and the act lie two writes; what happens meanwhile still counts, and leaves no riddle."""

from collections.abc import Callable

import pytest

from core.approval import ApprovalRequest, Grant
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus
from tests.fakes.audit import InMemoryAudit
from tests.fakes.effects import InMemoryEffects
from tests.tools.conftest import Bench
from tools.guard import Guard

Meanwhile = Callable[[Bench], object]


class HastyGuard(Guard):
    """Broken on purpose: once the intent is written it asks nothing any more."""

    async def _check_may_run(self, row: ApprovalRequest, grant: Grant) -> None:
        if await self._attempts.find(row) is None:
            await super()._check_may_run(row, grant)


class SlowEffects(InMemoryEffects):
    """A ledger whose insert waits for a lock while the world goes on."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        self._meanwhile()
        return await super().intend(effect, event)


class LockedOnce(InMemoryAudit):
    """A history that fails once to take down an intent."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 1

    async def append(self, event: AuditEvent) -> None:
        if event.kind == "EffectIntended" and self.failures:
            self.failures -= 1
            raise ConnectionError("the database is locked")
        await super().append(event)


class TornEffects(InMemoryEffects):
    """Broken on purpose: intent and history in two transactions, so that the intent stands when the history fails."""

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        self.rows[effect.action_id] = effect
        await self.audit.append(event)
        return True


def time_runs_out(bench: Bench) -> object:
    return bench.clock.advance(minutes=10)


def somebody_freezes(bench: Bench) -> None:
    bench.frozen = True


def the_policy_changes(bench: Bench) -> None:
    bench.policy = "another"


CHANGES = [
    (time_runs_out, "run out"),
    (somebody_freezes, "freeze switch"),
    (the_policy_changes, "policy has changed since it was asked for"),
]


@pytest.mark.parametrize(("meanwhile", "why"), CHANGES)
async def test_what_changes_while_the_intent_is_written_stops_the_act(
    bench: Bench, meanwhile: Meanwhile, why: str
) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = SlowEffects(lambda: meanwhile(bench))
    for _ in range(2):  # the second answer comes from the ledger
        result = await bench.guard().execute(row, grant)
        assert result.status == "refused"
        assert result.text.startswith("nothing ran: ")
        assert why in result.text
    assert bench.peer.effects == []
    assert bench.effects.rows[row.action_id].status is EffectStatus.FAILED
    assert bench.kinds == ["EffectIntended", "EffectFailed"]


@pytest.mark.parametrize(("meanwhile", "why"), CHANGES)
async def test_a_guard_without_the_last_look_is_caught(bench: Bench, meanwhile: Meanwhile, why: str) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = SlowEffects(lambda: meanwhile(bench))
    assert (await bench.guard(HastyGuard).execute(row, grant)).status == "ok", why
    assert bench.peer.effects != []


async def test_the_time_that_the_freeze_switch_takes_to_answer_counts(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")

    async def slow_switch() -> bool:
        if bench.effects.rows:
            bench.clock.advance(minutes=10)
        return False

    guard = Guard(bench.registry(), bench.approvals, bench.effects, bench.audit, bench.clock, slow_switch)
    assert "run out" in (await guard.execute(row, grant)).text
    assert bench.peer.effects == []


async def test_a_history_that_fails_before_the_act_leaves_nothing_behind_and_a_retry_runs(bench: Bench) -> None:
    bench.audit = LockedOnce()
    row, grant = await bench.approved("restart_service", service="checkout")
    with pytest.raises(ConnectionError):
        await bench.guard().execute(row, grant)
    assert (bench.effects.rows, bench.peer.effects) == ({}, [])
    bench.clock.advance(minutes=1)
    assert (await bench.guard().execute(row, grant)).status == "ok"
    assert len(bench.peer.effects) == 1
    assert bench.kinds == ["EffectIntended", "EffectDone"]


async def test_a_ledger_that_is_written_apart_from_the_history_is_caught(bench: Bench) -> None:
    bench.audit, bench.effects = LockedOnce(), TornEffects()
    row, grant = await bench.approved("restart_service", service="checkout")
    with pytest.raises(ConnectionError):
        await bench.guard().execute(row, grant)
    bench.clock.advance(minutes=1)
    assert (await bench.guard().execute(row, grant)).status == "unknown"
    assert bench.peer.effects == []
