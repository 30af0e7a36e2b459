"""The whole way on a real, sick shop: alert, cause, proposal, signature, effect, cure. One fault by default."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from core.approval import ApprovalStatus
from core.evidence import Report
from core.ids import stable_id
from core.tool_call import ToolCall
from tests.graphs.shop import Ward, ward
from tests.graphs.world import a_proposal

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
DEFAULT = "wrong_config"
LONG = ("bad_deploy", "memory_leak", "pool_exhausted", "slow_dependency", "crash_loop", "disk_full")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def patient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ward]:
    async with ward(tmp_path_factory.mktemp("shop")) as one:
        yield one


async def look_at_everything(patient: Ward) -> list[Report]:
    """Investigate every incident in the order in which it was opened, as the worker does."""
    await patient.first_incident()
    await patient.take_notices(1.0)
    return [await patient.investigate(incident) for incident in reversed(await patient.world.incidents.open())]


def told(reports: list[Report]) -> str:
    """Return what a person would want to read when the investigator was wrong."""
    lines = [f"{item.id} {item.title}: {item.summary}" for report in reports for item in report.evidence]
    return "\n".join([*(report.answer for report in reports), *lines])


async def treat(patient: Ward, report: Report) -> Any:
    """Propose, sign, run and verify what the report proposes; returns the request as it ended."""
    assert report.proposal is not None
    incident_id, world = report.incident_id, patient.world
    remediation_id = stable_id("rem", report.id)
    await world.runner().remediate(a_proposal(remediation_id, call=report.proposal, incident_id=incident_id))
    approval_id = stable_id("apr", remediation_id, "1")
    await world.runner().resume(await world.vote(approval_id))
    return await world.approvals.load(approval_id)


async def cure(patient: Ward, fault: str) -> None:
    world, expected = await patient.admit(), patient.expected(fault)
    await patient.shop.inject(fault)
    try:
        reports = await look_at_everything(patient)
        assert {report.hypotheses[0].cause for report in reports} == {expected["cause"]}, told(reports)
        assert {report.hypotheses[0].service for report in reports} == {expected["service"]}
        (proposing,) = [report for report in reports if report.proposal]
        assert proposing.proposal == ToolCall(name=expected["tool"], args=expected["args"])
        ended = await treat(patient, proposing)
        assert ended.status is ApprovalStatus.EXECUTED
        assert "helped" in world.cards.said[f"{ended.id}:end"]
        assert not next(row["active"] for row in patient.shop.faults() if row["name"] == fault)
    finally:
        await patient.shop.clear()


async def test_a_fault_of_a_real_shop_is_found_and_cured(patient: Ward) -> None:
    await cure(patient, DEFAULT)


@pytest.mark.slow
@pytest.mark.parametrize("fault", LONG)
async def test_every_other_fault_of_a_real_shop_is_found_and_cured(patient: Ward, fault: str) -> None:
    await cure(patient, fault)


@pytest.mark.slow
async def test_a_false_alarm_of_a_real_shop_leads_to_no_proposal(patient: Ward) -> None:
    await patient.admit()
    await patient.shop.inject("false_alarm")
    try:
        reports = await look_at_everything(patient)
        assert [(report.hypotheses[0].cause, report.proposal) for report in reports] == [("none", None)]
    finally:
        await patient.shop.clear()


@pytest.mark.slow
async def test_the_wrong_remedy_is_noticed_and_its_undo_is_proposed(patient: Ward) -> None:
    world = await patient.admit()
    world.verify_within = 6
    await patient.shop.inject("bad_deploy")
    try:
        incident = await patient.first_incident()
        call = ToolCall(name="scale_workers", args={"service": "checkout", "workers": 14})
        await world.runner().remediate(a_proposal("rem_wrong", call=call, incident_id=incident.id))
        first, second = (stable_id("apr", "rem_wrong", attempt) for attempt in ("1", "2"))
        await world.runner().resume(await world.vote(first))
        assert "did not help" in world.cards.said[f"{first}:end"]
        undo = await world.approvals.load(second)
        assert (undo.rollback_of, undo.plan.call.args["workers"]) == (first, 12)
        await world.runner().resume(await world.vote(second))
        assert (await world.approvals.load(first)).status is ApprovalStatus.ROLLED_BACK
    finally:
        await patient.shop.clear()
