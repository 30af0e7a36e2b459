"""A red self-check stops every effect and every vote to approve; reading and rejecting go on."""

from dataclasses import replace

import pytest

from core.approval import ApprovalStatus
from core.errors import UnfitError
from core.tool_call import ToolCall
from tests.graphs.world import ALICE, World, a_proposal, approval_of
from tests.tools.conftest import Bench
from tests.tools.test_last_look import SlowEffects
from tools.guard import Guard

WHY = "this Redis forgets acknowledged events when it is killed"


class Doctor:
    """What a guard asks; `why` is empty while everything is well."""

    why = ""

    async def unfit(self) -> str:
        return self.why


def guarded(bench: Bench, doctor: Doctor) -> Guard:
    guard = bench.guard()
    guard._unfit = doctor.unfit
    return guard


async def test_nothing_runs_while_the_self_check_is_red_and_the_refusal_says_why(bench: Bench) -> None:
    doctor = Doctor()
    row, grant = await bench.approved("restart_service", service="checkout")
    doctor.why = WHY
    result = await guarded(bench, doctor).execute(row, grant)
    assert result.status == "refused"
    assert WHY in result.text
    assert (bench.peer.effects, bench.effects.rows) == ([], {})
    assert bench.kinds == ["EffectRefused"]


async def test_a_check_that_turns_red_while_the_intent_is_written_stops_the_act(bench: Bench) -> None:
    doctor = Doctor()
    row, grant = await bench.approved("restart_service", service="checkout")
    bench.effects = SlowEffects(lambda: setattr(doctor, "why", WHY))
    result = await guarded(bench, doctor).execute(row, grant)
    assert result.status == "refused"
    assert result.text.startswith("nothing ran: ")
    assert bench.peer.effects == []


async def test_a_guard_that_does_not_ask_is_caught_by_the_same_act(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    assert (await bench.guard().execute(row, grant)).status == "ok"
    assert len(bench.peer.effects) == 1


async def test_a_self_check_that_breaks_counts_as_red(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    guard = bench.guard()

    async def broken() -> str:
        raise ConnectionError

    guard._unfit = broken
    assert (await guard.execute(row, grant)).status == "refused"
    assert bench.peer.effects == []


async def test_reading_goes_on_while_it_is_red(bench: Bench) -> None:
    doctor = Doctor()
    doctor.why = WHY
    call = ToolCall(name="service_status", args={"service": "checkout"})
    assert (await guarded(bench, doctor).read(call)).status == "ok"


async def test_an_approval_does_not_count_while_it_is_red_and_a_rejection_does() -> None:
    world, doctor = World(), Doctor()
    await world.runner().remediate(a_proposal())
    desk = replace(world.desk, unfit=doctor.unfit)
    doctor.why = WHY
    with pytest.raises(UnfitError, match=WHY):
        await desk.vote(approval_of(), ALICE, "approve")
    assert (await world.approvals.load(approval_of())).votes == ()
    assert (await desk.vote(approval_of(), ALICE, "reject")).status is ApprovalStatus.REJECTED


async def test_an_approval_counts_again_once_it_is_green() -> None:
    world, doctor = World(), Doctor()
    await world.runner().remediate(a_proposal())
    desk = replace(world.desk, unfit=doctor.unfit)
    doctor.why = WHY
    with pytest.raises(UnfitError):
        await desk.vote(approval_of(), ALICE, "approve")
    doctor.why = ""
    assert (await desk.vote(approval_of(), ALICE, "approve")).status is ApprovalStatus.APPROVED
