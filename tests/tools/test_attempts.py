"""At most one effect for each approval, and an outcome that is never guessed."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from core.audit import AuditEvent
from core.effect import Effect, EffectStatus
from core.errors import NoDataError
from core.tool_call import ToolCall
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import an_audit_event, an_effect
from tests.tools.conftest import Bench
from tools.guard import Guard


class NoIntents(InMemoryEffects):
    """Broken on purpose: what a guard without intent rows would have."""

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        self.rows[effect.action_id] = effect
        return True

    async def conclude(self, action_id: str, **outcome: Any) -> bool:
        return True

    async def load(self, action_id: str) -> Effect | None:
        return None


class Killed(BaseException):
    """What kill -9 would be, as far as an exception can be."""


class DiesBeforeTheOutcome(InMemoryEffects):
    """The process is killed between the effect and its outcome row."""

    async def conclude(self, action_id: str, **outcome: Any) -> bool:
        raise Killed


class TornEffects(InMemoryEffects):
    """Broken on purpose: history is written before the ledger has said who is first, and after it has the outcome."""

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        await self.audit.append(event)
        await asyncio.sleep(0)
        return self.rows.setdefault(effect.action_id, effect) is effect


async def execute_twenty_times(bench: Bench) -> list[str]:
    """Four processes with five callers each, on a target that counts every call."""
    bench.peer.forgiving, bench.peer.delay = False, 0.05
    row, grant = await bench.approved("restart_service", service="checkout")
    guards = [bench.guard() for _ in range(4)]
    results = await asyncio.gather(*(guards[index % 4].execute(row, grant) for index in range(20)))
    return [result.status for result in results]


async def test_twenty_executions_at_once_are_one_effect_and_one_answer(bench: Bench) -> None:
    assert await execute_twenty_times(bench) == ["ok"] * 20
    assert len(bench.peer.effects) == 1
    assert bench.kinds == ["EffectIntended", "EffectDone"]


async def test_a_history_that_is_written_apart_from_the_ledger_tells_of_attempts_that_were_none(bench: Bench) -> None:
    bench.effects = TornEffects()
    await execute_twenty_times(bench)
    assert len(bench.peer.effects) == 1
    assert bench.kinds.count("EffectIntended") > 1


async def test_a_guard_without_intent_rows_is_caught_by_the_targets_own_ledger(bench: Bench) -> None:
    bench.effects = NoIntents()
    await execute_twenty_times(bench)
    assert len(bench.peer.effects) > 1


async def test_a_second_execution_returns_the_stored_outcome_even_after_the_clock(bench: Bench) -> None:
    row, grant = await bench.approved("scale_workers", service="payments", workers=8)
    first = await bench.guard().execute(row, grant)
    bench.clock.advance(hours=1)
    bench.frozen = True
    second = await bench.guard().execute(row, grant)
    assert (second.status, second.text, second.data) == (first.status, first.text, first.data)
    assert len(bench.peer.effects) == 1


async def test_an_effect_that_was_made_for_another_digest_is_not_taken_for_ours(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects.rows[row.action_id] = an_effect(row, digest="f" * 64, status=EffectStatus.DONE)
    assert (await bench.guard().execute(row, grant)).status == "refused"
    assert bench.peer.effects == []


async def test_a_crash_between_effect_and_outcome_is_read_back(bench: Bench) -> None:
    bench.peer.forgiving = False
    row, grant = await bench.approved("restart_service", service="checkout")
    kept, bench.effects = bench.effects, DiesBeforeTheOutcome()
    with pytest.raises(Killed):
        await bench.guard().execute(row, grant)
    kept.rows |= bench.effects.rows
    bench.effects = kept
    bench.clock.advance(minutes=30)
    result = await bench.guard().execute(row, grant)
    assert result.status == "ok"
    assert "read back" in result.text
    assert len(bench.peer.effects) == 1
    assert bench.kinds == ["EffectIntended", "EffectDone"]


async def test_a_guard_that_forgets_its_intent_acts_again_after_the_crash_and_is_caught(bench: Bench) -> None:
    bench.peer.forgiving = False
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = NoIntents()
    await bench.guard().execute(row, grant)
    await bench.guard().execute(row, grant)
    assert len(bench.peer.effects) == 2


async def test_an_attempt_that_was_struck_from_the_ledger_is_no_first_one(bench: Bench) -> None:
    bench.peer.forgiving = False
    row, grant = await bench.approved("restart_service", service="checkout")
    await bench.guard().execute(row, grant)
    del bench.effects.rows[row.action_id]
    result = await bench.guard().execute(row, grant)
    assert "its effect is gone, where the history says done" in result.text
    assert len(bench.peer.effects) == 1


async def test_a_crash_between_intent_and_effect_is_unknown_and_never_run_again(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects.rows[row.action_id] = an_effect(row, intent_at=bench.clock.now())
    bench.clock.advance(minutes=1)
    for _ in range(2):
        result = await bench.guard().execute(row, grant)
        assert result.status == "unknown"
        assert "Nobody can tell" in result.text
    assert bench.peer.effects == []
    assert bench.kinds == ["EffectUnknown"]


async def test_an_attempt_that_is_under_way_elsewhere_is_waited_for(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects.rows[row.action_id] = an_effect(row, intent_at=bench.clock.now())
    waiting = asyncio.create_task(bench.guard(timeout=5).execute(row, grant))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    outcome = {"text": "done by the other one", "data": None, "now": bench.clock.now(), "event": an_audit_event()}
    await bench.effects.conclude(row.action_id, status=EffectStatus.DONE, **outcome)  # type: ignore[arg-type]
    assert (await waiting).text == "done by the other one"
    assert bench.peer.effects == []


@pytest.mark.parametrize("fault", ["hang", "reset", "half", "garbage", "500", "huge"])
async def test_a_lost_answer_is_read_back_and_not_called_a_failure(bench: Bench, fault: str) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.peer.faults["after"] = fault
    result = await bench.guard(timeout=0.4).execute(row, grant)
    assert (result.status, len(bench.peer.effects)) == ("ok", 1)
    assert "read back" in result.text
    assert bench.kinds == ["EffectIntended", "EffectDone"]


@pytest.mark.parametrize("fault", ["hang", "reset", "500", "garbage"])
async def test_what_nobody_can_tell_is_unknown(bench: Bench, fault: str) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.peer.faults["before"] = fault
    result = await bench.guard(timeout=0.4).execute(row, grant)
    assert result.status == "unknown"
    assert bench.effects.rows[row.action_id].status is EffectStatus.UNKNOWN
    assert bench.kinds == ["EffectIntended", "EffectUnknown"]


async def test_an_effect_whose_read_back_is_broken_too_is_unknown(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.peer.faults |= {"after": "reset", "read_back": "garbage"}
    assert (await bench.guard().execute(row, grant)).status == "unknown"
    assert len(bench.peer.effects) == 1


async def test_a_ledger_row_about_something_else_is_no_proof(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.peer.faults["before"] = "reset"
    bench.peer.effects.append({"action_id": row.action_id, "service": "front", "operation": "scale", "args": {}})
    assert (await bench.guard().execute(row, grant)).status == "unknown"


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [("409", "refused", "superseded: "), ("401", "failed", "token"), ("422", "failed", "out of range")],
)
async def test_what_the_target_refuses_has_not_happened(bench: Bench, fault: str, status: str, text: str) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.peer.faults["before"] = fault
    for _ in range(2):  # the second answer comes from the ledger
        result = await bench.guard().execute(row, grant)
        assert (result.status, text in result.text) == (status, True)
    assert bench.peer.effects == []
    assert bench.kinds == ["EffectIntended", "EffectFailed"]


@pytest.mark.parametrize("fault", ["reset", "garbage", "500", "401", "huge"])
async def test_a_target_that_cannot_be_asked_first_is_not_touched(bench: Bench, fault: str) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.peer.faults["dry_run"] = fault
    assert (await bench.guard().execute(row, grant)).status == "refused"
    assert (bench.effects.rows, bench.peer.effects) == ({}, [])


async def test_without_an_intent_row_nothing_runs(bench: Bench) -> None:
    class Down(InMemoryEffects):
        async def intend(self, effect: Effect, event: AuditEvent) -> bool:
            raise ConnectionError("the database is gone")

    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = Down()
    with pytest.raises(ConnectionError):
        await bench.guard().execute(row, grant)
    assert bench.peer.effects == []


async def test_a_ledger_whose_silence_is_taken_for_a_yes_is_caught(bench: Bench) -> None:
    class TakenForYes(InMemoryEffects):
        async def intend(self, effect: Effect, event: AuditEvent) -> bool:
            return True

    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = TakenForYes()
    with suppress(NoDataError):
        await bench.guard().execute(row, grant)
    assert len(bench.peer.effects) == 1


async def test_every_act_can_be_undone_by_its_own_rollback(bench: Bench) -> None:
    calls: list[tuple[str, dict[str, Any], ToolCall | None]] = [
        (
            "scale_workers",
            {"service": "payments", "workers": 8},
            ToolCall(name="scale_workers", args={"service": "payments", "workers": 4}),
        ),
        (
            "rollback_deploy",
            {"service": "checkout", "to_version": "1.4.1"},
            ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.4.2"}),
        ),
        (
            "set_config",
            {"service": "checkout", "key": "payments_timeout_ms", "value": 2000},
            ToolCall(name="set_config", args={"service": "checkout", "key": "payments_timeout_ms", "value": 5}),
        ),
        ("restart_service", {"service": "front"}, None),
    ]
    guard: Guard = bench.guard()
    before = {name: target.state() for name, target in bench.peer.targets.items() if name != "front"}
    for name, args, rollback in calls:
        row, grant = await bench.approved(name, **args)
        assert row.plan.rollback == rollback
        assert (await guard.execute(row, grant)).status == "ok"
        if rollback is not None:
            row, grant = await bench.approve(await guard.plan(rollback))
            assert (await guard.execute(row, grant)).status == "ok"
    assert {name: target.state() for name, target in bench.peer.targets.items() if name != "front"} == before
