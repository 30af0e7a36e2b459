"""Somebody changes what is asked for, in the local Slack workspace and over real tools: a new request, new votes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bot import identifiers
from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Edit, Proposal
from core.errors import AlreadyDecidedError, RefusedError, SelfApprovalError
from core.tool_call import ToolCall
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, NoGraphs, Stage, open_listening_stage, words
from tests.fakes.audit import InMemoryAudit
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_requirement
from tests.tools.conftest import Bench
from tests.tools.peer import FaultySupervisor
from tools.forms import ArgumentForms

RULES = {
    "version": 1,
    "groups": {"sre": ["S0SRE"]},
    "rules": [
        {"name": "no", "match": {"tool": "set_config"}, "effect": "deny"},
        {"name": "disruptive in prod", "effect": "approve", "groups": ["sre"], "quorum": 1},
    ],
}


class Graphs(NoGraphs):
    """Notes what is to be run."""

    def __init__(self) -> None:
        self.proposals: list[Proposal] = []

    async def remediate(self, proposal: Proposal) -> None:
        self.proposals.append(proposal)


class Desk:
    """A stage over real tools of a small supervisor."""

    def __init__(self, stage: Stage, bench: Bench, graphs: Graphs) -> None:
        self.stage, self.bench, self.graphs = stage, bench, graphs

    async def asked(self, name: str = "scale_workers", **args: Any) -> ApprovalRequest:
        args = args or {"workers": 8}
        plan = await self.stage.toolbox.plan(ToolCall(name=name, args={"service": "checkout", **args}))
        return await self.stage.a_card(plan=plan, requirement=a_requirement())

    async def form(self, request: ApprovalRequest, person: str) -> dict[str, Any] | None:
        await self.stage.click(request, person, identifiers.EDIT)
        views = (await self.stage.http.get("/control/view", params={"as": person})).json()["views"]
        return views[-1] if views else None

    async def opened(self, request: ApprovalRequest, person: str) -> dict[str, Any]:
        modal = await self.form(request, person)
        assert modal is not None
        return modal

    async def send(self, modal: dict[str, Any], person: str, note: str = "", **typed: Any) -> dict[str, Any]:
        values = {f"{identifiers.FIELD_BLOCK}{name}": {"edit.value": {"value": v}} for name, v in typed.items()}
        if note:
            values[identifiers.NOTE_BLOCK] = {"edit.value": {"value": note}}
        return await self.stage.act("view_submit", **{"as": person}, view_id=modal["id"], values=values)

    async def work(self) -> None:
        """Do the jobs that wait, as the worker does."""
        assert self.stage.services is not None
        for event in [each for each in self.stage.queue.waiting if each.kind == "job.edit"]:
            self.stage.queue.waiting.remove(event)
            await self.stage.services.editing.carry_out(Edit.model_validate(event.body))

    def rows(self) -> list[ApprovalRequest]:
        return list(self.stage.approvals.rows.values())


@pytest.fixture
async def desk(tmp_path: Any) -> AsyncIterator[Desk]:
    client = httpx.AsyncClient(trust_env=False, verify=False)
    graphs = Graphs()
    async with FaultySupervisor().serving() as peer, client as http:
        bench = Bench(peer, http, tmp_path / "log")

        def prepare(stage: Stage) -> None:
            bench.approvals, bench.clock = stage.approvals, stage.clock
            bench.audit, bench.effects = InMemoryAudit(), InMemoryEffects()
            stage.toolbox, stage.forms, stage.rules = bench.guard(), ArgumentForms(bench.registry()), RULES

        async with open_listening_stage(graphs, prepare) as stage:
            yield Desk(stage, bench, graphs)


async def test_an_edit_is_a_new_request_in_the_editors_name_and_ends_the_old_one(desk: Desk) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    assert modal["private_metadata"] == old.id
    assert "errors" not in await desk.send(modal, ALICE, note="six will do", workers="6")
    await desk.work()
    ended, new = desk.rows()
    assert (ended.status, ended.outcome_text) == (ApprovalStatus.SUPERSEDED, f"Edited by <@{ALICE}>: workers: 8 → 6.")
    assert (new.replaces, new.requester, new.plan.call.args["workers"]) == (old.id, ALICE, 6)
    assert new.digest != old.digest
    assert new.reason.startswith("Edited: workers: 8 → 6. “six will do” Before that: ")
    assert new.plan.rollback == ToolCall(name="scale_workers", args={"service": "checkout", "workers": 4})
    assert [proposal.call for proposal in desk.graphs.proposals] == [new.plan.call]
    card = await desk.stage.shown(ended)
    assert "Superseded" in card["text"]
    assert "workers: 8 → 6" in words(card)
    assert "Approve" in words(await desk.stage.shown(new))
    kinds = [event.kind for event in desk.stage.audit.events]
    assert kinds == ["ApprovalRequested", "ApprovalSuperseded", "ApprovalRequested"]


async def test_the_editor_cannot_approve_what_they_made_of_it_and_another_can(desk: Desk) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    await desk.send(modal, ALICE, workers="6")
    await desk.work()
    new = desk.rows()[1]
    assert desk.stage.services is not None
    with pytest.raises(SelfApprovalError):
        await desk.stage.services.desk.vote(new.id, ALICE, "approve")
    decided = await desk.stage.services.desk.vote(new.id, CAROL, "approve")
    assert decided.status is ApprovalStatus.APPROVED


async def test_votes_stay_with_the_request_that_they_were_cast_on(desk: Desk) -> None:
    plan = await desk.stage.toolbox.plan(ToolCall(name="scale_workers", args={"service": "checkout", "workers": 8}))
    old = await desk.stage.a_card(plan=plan, requirement=a_requirement(quorum=2))
    await desk.stage.click(old, CAROL, identifiers.APPROVE)
    modal = await desk.opened(old, ALICE)
    await desk.send(modal, ALICE, workers="6")
    await desk.work()
    ended, new = desk.rows()
    assert [vote.person for vote in ended.votes] == [CAROL]
    assert new.votes == ()


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"workers": "17"}, "workers", "less than or equal to 16"),
        ({"workers": "1.5"}, "workers", "whole number"),
        ({"workers": "8"}, "workers", "Nothing is changed"),
        ({"workers": "4"}, "workers", "would change nothing"),
    ],
)
async def test_what_is_wrong_comes_back_at_its_field_and_the_form_stays(
    desk: Desk, typed: dict[str, Any], field: str, said: str
) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    answer = await desk.send(modal, ALICE, **typed)
    assert answer["response_action"] == "errors"
    assert said in answer["errors"][f"{identifiers.FIELD_BLOCK}{field}"]
    assert (await desk.stage.http.get("/control/view", params={"as": ALICE})).json()["views"]
    assert desk.stage.queue.waiting == []
    assert "errors" not in await desk.send(modal, ALICE, workers="6")


async def test_a_value_of_the_wrong_type_is_told_in_words_of_the_tool(desk: Desk) -> None:
    old = await desk.asked("set_config", key="payments_timeout_ms", value=2000)
    modal = await desk.opened(old, ALICE)
    answer = await desk.send(modal, ALICE, key="db_password", value='"x"')
    assert "secrets are not set" in answer["errors"]["argument.key"]
    answer = await desk.send(modal, ALICE, key="payments_timeout_ms", value="soon")
    assert "double quotes" in answer["errors"]["argument.value"]


@pytest.mark.parametrize("person", [BOB, DAVE])
async def test_who_may_not_decide_is_told_so_and_gets_no_form(desk: Desk, person: str) -> None:
    old = await desk.asked()
    assert await desk.form(old, person) is None
    (said,) = await desk.stage.whispers(person, thread_ts=old.thread_ts)
    assert "Guests may not" in said or "Only members of sre" in said
    assert desk.stage.audit.events[-1].kind == "EditRefused"


async def test_whoever_sends_it_the_right_to_edit_is_looked_at_again_by_the_job(desk: Desk) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    edit = Edit(approval_id=old.id, form=modal["id"], editor=DAVE, args={"service": "checkout", "workers": 6})
    assert desk.stage.services is not None
    with pytest.raises(RefusedError, match="was not taken"):
        await desk.stage.services.editing.carry_out(edit)
    assert [row.status for row in desk.rows()] == [ApprovalStatus.PENDING]


async def test_a_form_that_is_sent_twice_is_one_request_and_so_is_a_job_that_runs_twice(desk: Desk) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    edit = Edit(approval_id=old.id, form=modal["id"], editor=ALICE, args={"service": "checkout", "workers": 6})
    assert desk.stage.services is not None
    editing = desk.stage.services.editing
    await asyncio.gather(editing.submit(edit), editing.submit(edit))
    assert len(desk.stage.queue.waiting) == 1
    await desk.work()
    again = await editing.carry_out(edit)
    assert [row.id for row in desk.rows()] == [old.id, again.id]
    assert [event.kind for event in desk.stage.audit.events].count("ApprovalRequested") == 2  # and one for the old


async def test_an_edit_that_comes_after_the_approval_changes_nothing(desk: Desk) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    await desk.send(modal, ALICE, workers="6")
    await desk.stage.click(old, CAROL, identifiers.APPROVE)
    with pytest.raises(AlreadyDecidedError, match="already approved"):
        await desk.work()
    assert [row.status for row in desk.rows()] == [ApprovalStatus.APPROVED]


async def test_an_edit_that_policy_denies_leaves_the_old_request_open(desk: Desk) -> None:
    old = await desk.asked("set_config", key="payments_timeout_ms", value=2000)
    modal = await desk.opened(old, ALICE)
    await desk.send(modal, ALICE, key="payments_timeout_ms", value="3000")
    with pytest.raises(RefusedError, match="Policy does not allow"):
        await desk.work()
    assert [row.status for row in desk.rows()] == [ApprovalStatus.PENDING]


async def test_a_forged_request_id_in_a_form_is_not_believed(desk: Desk) -> None:
    old = await desk.asked()
    modal = await desk.opened(old, ALICE)
    ws: Any = desk.stage.ws.workspace
    ws.state.modals[ALICE][-1].body["private_metadata"] = "apr_forged"
    assert "errors" not in await desk.send(modal, ALICE, workers="6")
    assert desk.stage.queue.waiting == []
    assert [row.status for row in desk.rows()] == [ApprovalStatus.PENDING]
