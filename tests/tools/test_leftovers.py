"""No attempt, approval, card, report or look stays without its end because a crash or a lost job left it there."""

from datetime import timedelta
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Grant
from core.brief import Place
from core.effect import EffectStatus
from core.event import Event
from core.ids import new_id
from core.services.endings import Endings
from core.services.leftovers import Leftovers
from core.services.needs_human import NeedsHuman
from core.tool_call import ToolResult
from tests.fakes.cards import RecordingCards
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_report, a_request, an_alert
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports
from tests.tools.conftest import Bench
from tools.guard import Guard


class DiesBeforeTheOutcome(InMemoryEffects):
    """A ledger whose process is killed when the outcome should be written, `kills` times."""

    kills = 1

    async def conclude(self, action_id: str, **outcome: Any) -> bool:
        if self.kills:
            self.kills -= 1
            raise KeyboardInterrupt
        return await super().conclude(action_id, **outcome)


class Sweep:
    """Leftovers over a bench's guard and target."""

    def __init__(self, bench: Bench, kind: type[Leftovers] = Leftovers) -> None:
        self.bench, self.cards, self.queue = bench, RecordingCards(), InMemoryQueue()
        self.incidents, self.reports, self.letters = InMemoryIncidents(), InMemoryReports(), InMemoryDeliveries()
        self.leftovers = kind(
            approvals=bench.approvals,
            approval_queue=bench.approvals,
            effects=bench.effects,
            incidents=self.incidents,
            reports=self.reports,
            toolbox=bench.guard(),
            endings=Endings(bench.approvals, self.cards, bench.audit, bench.clock),
            queue=self.queue,
            clock=bench.clock,
            letters=self.letters,
        )

    async def after(self, **wait: float) -> list[Event]:
        """Let so much time pass, sweep, and return the jobs that were queued."""
        self.bench.clock.advance(**wait)
        before = len(self.queue.waiting)
        await self.leftovers.tick()
        return self.queue.waiting[before:]


async def cut_off(bench: Bench, fault: str = "") -> tuple[ApprovalRequest, Grant]:
    """Leave an intent without an outcome: killed after the effect, or before it where the target breaks first."""
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = DiesBeforeTheOutcome(bench.audit)
    bench.peer.faults = {"before": fault} if fault else {}
    with pytest.raises(KeyboardInterrupt):
        await bench.guard().execute(row, grant)
    bench.peer.faults = {}
    assert bench.effects.rows[row.action_id].status is EffectStatus.INTENT
    return row, grant


async def test_an_attempt_whose_outcome_and_job_are_lost_is_read_back_and_ended(bench: Bench) -> None:
    row, _ = await cut_off(bench)
    sweep = Sweep(bench)
    await sweep.after(seconds=21)
    assert bench.effects.rows[row.action_id].status is EffectStatus.DONE
    assert (await bench.approvals.load(row.id)).status is ApprovalStatus.EXECUTED
    assert sweep.cards.shown == [("approval", row.id)]
    assert len(bench.peer.effects) == 1
    assert "NeedsHuman" not in bench.kinds


async def test_one_that_its_target_does_not_know_ends_as_unknown_with_a_human(bench: Bench) -> None:
    row, _ = await cut_off(bench, "reset")
    sweep = Sweep(bench)
    for _ in range(2):
        await sweep.after(seconds=21)
    assert bench.effects.rows[row.action_id].status is EffectStatus.UNKNOWN
    assert (await bench.approvals.load(row.id)).status is ApprovalStatus.UNKNOWN
    assert (bench.kinds.count("NeedsHuman"), len(sweep.cards.said)) == (1, 1)
    assert bench.peer.effects == []


async def test_an_attempt_under_way_is_left_alone_for_longer_than_it_may_take(bench: Bench) -> None:
    row, _ = await cut_off(bench, "reset")
    await Sweep(bench).after(seconds=19)
    assert bench.effects.rows[row.action_id].status is EffectStatus.INTENT
    slowest = max(spec.timeout for spec in bench.registry() if spec.action is not None)
    assert timedelta(seconds=slowest + 5) <= timedelta(seconds=20)


async def test_a_sweep_that_runs_it_again_in_place_of_asking_is_caught(bench: Bench) -> None:
    class Eager(Guard):
        """Broken on purpose: takes an intent without an outcome for something still to be done."""

        async def settle(self, approval_id: str) -> ToolResult | None:
            row = await self._approvals.load(approval_id)
            return await self._attempts._run(row, self._attempts.tool(row))

    bench.peer.forgiving = False
    row, _ = await cut_off(bench)
    sweep = Sweep(bench)
    object.__setattr__(sweep.leftovers, "toolbox", bench.guard(Eager))
    await sweep.after(seconds=21)
    assert (await bench.approvals.load(row.id)).status is ApprovalStatus.EXECUTED
    assert len(bench.peer.effects) == 2


async def test_whoever_wakes_up_late_and_knows_corrects_the_end_that_was_written_meanwhile(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")

    class Overtaken(InMemoryEffects):
        """A ledger in which a sweep has ended the attempt while its own process was paused."""

        async def conclude(self, action_id: str, **outcome: Any) -> bool:
            told = outcome["event"].model_copy(update={"kind": "EffectUnknown"})
            given = dict(outcome) | {"status": EffectStatus.UNKNOWN, "text": "nobody can tell", "event": told}
            await super().conclude(action_id, **given)
            return await super().conclude(action_id, **outcome)

    bench.effects = Overtaken(bench.audit)
    result = await bench.guard().execute(row, grant)
    assert result.status == "ok"
    assert bench.effects.rows[row.action_id].status is EffectStatus.DONE
    assert bench.kinds == ["EffectIntended", "EffectUnknown", "EffectDone"]


async def test_what_was_approved_and_never_begun_ends_visibly_after_its_clock(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    sweep = Sweep(bench)
    await sweep.after(minutes=5, seconds=24)
    assert (await bench.approvals.load(row.id)).status is ApprovalStatus.APPROVED
    await sweep.after(seconds=2)
    ended = await bench.approvals.load(row.id)
    assert (ended.status, "Nothing ran" in ended.outcome_text) == (ApprovalStatus.RAN_OUT, True)
    assert sweep.cards.shown == [("approval", row.id)]
    assert (await bench.guard().execute(ended, grant)).status == "refused"
    assert bench.peer.effects == []


async def test_a_late_end_never_hides_an_attempt(bench: Bench) -> None:
    row, _ = await cut_off(bench)
    await Sweep(bench).after(minutes=6)
    assert (await bench.approvals.load(row.id)).status is ApprovalStatus.EXECUTED


async def test_a_request_whose_card_never_came_is_shown_by_a_job_a_minute(bench: Bench) -> None:
    sweep = Sweep(bench)
    row = await bench.approvals.create(a_request(created_at=bench.clock.now()))
    assert await sweep.after(seconds=10) == []
    (job,) = await sweep.after(seconds=10)
    assert (job.kind, job.body) == ("job.refresh", {"approval_id": row.id})
    assert await sweep.after(seconds=5) == []
    assert len(await sweep.after(seconds=60)) == 1
    await bench.approvals.place(row.id, "1700000000.000200")
    assert await sweep.after(seconds=60) == []


async def test_an_incident_whose_card_never_came_is_shown(bench: Bench) -> None:
    sweep = Sweep(bench)
    incident, _ = await sweep.incidents.join(an_alert(), bench.clock.now())
    (job,) = await sweep.after(seconds=20)
    assert (job.kind, job.body) == ("job.refresh", {"incident_id": incident.id})
    await sweep.incidents.place(incident.id, "C0INCIDENTS", "1700000000.000100")
    assert await sweep.after(seconds=60) == []


async def test_a_report_that_was_never_shown_is_shown(bench: Bench) -> None:
    sweep = Sweep(bench)
    await sweep.reports.save(a_report(id="rep_1", finished_at=bench.clock.now()))
    (job,) = await sweep.after(seconds=20)
    assert (job.kind, job.body) == ("job.refresh", {"report_id": "rep_1"})
    await sweep.reports.shown("rep_1", bench.clock.now())
    assert await sweep.after(seconds=60) == []


async def test_an_incident_that_nobody_looked_into_is_looked_into(bench: Bench) -> None:
    sweep = Sweep(bench)
    incident, _ = await sweep.incidents.join(an_alert(), bench.clock.now())
    await sweep.incidents.place(incident.id, "C0INCIDENTS", "1700000000.000100")
    (job,) = await sweep.after(seconds=100)
    assert (job.kind, job.body["incident_id"]) == ("job.investigate", incident.id)
    await sweep.reports.save(a_report(incident_id=incident.id, thread_id=f"incident:{incident.id}"))
    await sweep.reports.shown(next(iter(sweep.reports.rows)), bench.clock.now())
    assert await sweep.after(seconds=100) == []


async def test_an_incident_that_was_left_to_a_human_is_not_looked_into_again(bench: Bench) -> None:
    sweep = Sweep(bench)
    incident, _ = await sweep.incidents.join(an_alert(), bench.clock.now())
    await sweep.incidents.place(incident.id, "C0INCIDENTS", "1700000000.000100")
    human = NeedsHuman(sweep.cards, bench.audit, bench.clock)
    await human.tell(Place(channel="", thread_ts=""), "I cannot investigate this", "Why.", incident.id, "key")
    assert await sweep.after(seconds=100) == []


async def test_a_leftover_that_breaks_does_not_keep_the_others(bench: Bench) -> None:
    row, _ = await cut_off(bench)
    sweep = Sweep(bench)
    late = await bench.approvals.create(a_request(id=new_id("apr"), created_at=bench.clock.now()))
    bench.approvals.rows.pop(row.id)
    with pytest.raises(ExceptionGroup):
        await sweep.after(seconds=21)
    assert [job.body for job in sweep.queue.waiting] == [{"approval_id": late.id}]
