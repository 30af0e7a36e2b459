"""Approving ahead in the local Slack workspace: the form, its preview, the cards that it lets through, and its end."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import identifiers
from bot.blocks.text import Block
from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Place, Proposal
from core.risk import Risk
from core.standing_grant import Between, StandingGrant
from core.tool_call import Plan, ToolCall
from tests.bot.stage import ALICE, BOB, CAROL, OPS, Stage, buttons, open_listening_stage, words
from tests.bot.test_freeze import home, ops
from tests.fakes.examples import a_plan

RULES = {
    "version": 1,
    "groups": {"sre": ["S0SRE"]},
    "grants": [{"groups": ["sre"], "max_uses": 5, "max_for": "4h"}],
    "rules": [{"name": "in prod", "match": {}, "effect": "approve", "groups": ["sre"]}],
}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    def prepare(stage: Stage) -> None:
        stage.rules = RULES

    async with open_listening_stage(prepare=prepare) as opened:
        yield opened


def scaled(workers: int, name: str = "scale_workers") -> Plan:
    call = ToolCall(name=name, args={"service": "checkout", "workers": workers, "mode": "a*b"})
    return a_plan(call=call, risk=Risk.REVERSIBLE)


async def view_of(stage: Stage, person: str) -> dict[str, Any] | None:
    views = (await stage.http.get("/control/view", params={"as": person})).json()["views"]
    return views[-1] if views else None


async def send(stage: Stage, person: str, **typed: str) -> dict[str, Any]:
    """Send the form that the person has open; names are those of the arguments, or uses, lasts and reason."""
    view = await view_of(stage, person)
    assert view is not None
    values: dict[str, Block] = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            element = block["element"]
            name = block["block_id"].removeprefix(identifiers.GRANT_FIELD).removeprefix("grant.")
            if element["type"] == "static_select":
                values[block["block_id"]] = {"grant.value": {"selected_option": element["initial_option"]}}
            else:
                text = typed.get(name, element.get("initial_value", ""))
                values[block["block_id"]] = {"grant.value": {"value": text}}
    return await stage.act("view_submit", **{"as": person}, view_id=view["id"], values=values)


async def ask(stage: Stage, number: int, plan: Plan, requester: str = "alert") -> ApprovalRequest:
    """Ask as the graph does, and show the card."""
    incident = await stage.incidents.load(await stage.an_incident())
    place = Place(channel=incident.channel, thread_ts=incident.thread_ts)
    proposal = Proposal(remediation_id=f"rem_{number}", call=plan.call, place=place, requester=requester, reason="load")
    assert stage.services is not None
    await stage.services.desk.request(f"apr_{number}", plan, proposal, f"remediation:rem_{number}")
    await stage.services.cards.show_approval(f"apr_{number}")
    return await stage.approvals.load(f"apr_{number}")


async def granted(stage: Stage, **typed: str) -> StandingGrant:
    """Have ALICE approve a request for four workers and the same ahead."""
    request = await ask(stage, 1, scaled(4))
    await stage.click(request, ALICE, identifiers.GRANT)
    await send(stage, ALICE, **({"workers": "2 to 8", "uses": "3", "reason": "a busy *day*"} | typed))
    await send(stage, ALICE)
    (grant,) = stage.grants.rows.values()
    return grant


async def test_the_form_leads_to_a_preview_and_that_to_an_approval_and_a_grant(stage: Stage) -> None:
    request, other = await ask(stage, 1, scaled(4)), await ask(stage, 2, scaled(9))
    assert "Approve and allow more…" in buttons(await stage.shown(request))
    await stage.click(request, ALICE, identifiers.GRANT)
    answer = await send(stage, ALICE, workers="2 to 8", uses="3", reason="a busy day")
    assert answer["response_action"] == "update"
    assert stage.grants.rows == {}
    preview = words(await view_of(stage, ALICE))
    assert "3 times within 1 h" in preview
    assert 'mode = "a*b"' in preview
    assert "workers = 2 to 8" in preview
    assert f"({other.id})" in preview
    assert "workers is 9, not 2 to 8" in preview
    assert stage.approvals.rows[request.id].status is ApprovalStatus.PENDING
    await send(stage, ALICE)
    assert stage.approvals.rows[request.id].status is ApprovalStatus.APPROVED
    assert stage.approvals.rows[other.id].status is ApprovalStatus.PENDING
    (grant,) = stage.grants.rows.values()
    assert (grant.args["workers"], grant.uses, grant.by) == (Between(low=2, high=8), 3, ALICE)
    assert grant.id in (await stage.whispers(ALICE, thread_ts=request.thread_ts))[-1]


async def test_the_card_of_what_it_let_through_says_which_use_of_whose_grant_it_was(stage: Stage) -> None:
    grant = await granted(stage)
    request = await ask(stage, 2, scaled(8))
    assert request.status is ApprovalStatus.APPROVED
    card = words(await stage.shown(request))
    assert f"Allowed by grant* `{grant.id}` of <@{ALICE}>, use 1 of 3, until" in card
    assert "a busy" in card
    assert f"<@{ALICE}> approved ahead" in card


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"workers": "8 to 2"}, "grant.argument.workers", "lower number"),
        ({"workers": "5 to 8"}, "grant.argument.workers", "does not fit"),
        ({"workers": "4\nmany"}, "grant.argument.workers", "no number"),
        ({"workers": "4\n2.5"}, "grant.argument.workers", "whole number"),
        ({"mode": "other"}, "grant.argument.mode", "does not fit"),
        ({"reason": "  "}, "grant.reason", "needs a reason"),
    ],
)
async def test_what_makes_no_grant_is_told_at_its_field(
    stage: Stage, typed: dict[str, str], field: str, said: str
) -> None:
    request = await ask(stage, 1, scaled(4))
    await stage.click(request, ALICE, identifiers.GRANT)
    answer = await send(stage, ALICE, **({"reason": "busy"} | typed))
    assert answer["response_action"] == "errors"
    assert said in answer["errors"][field]
    assert "errors" not in await send(stage, ALICE, reason="busy", workers="3\n4\n6")


async def test_who_may_not_gets_no_form_and_a_wrapper_gets_no_button(stage: Stage) -> None:
    request = await ask(stage, 1, scaled(4))
    await stage.click(request, BOB, identifiers.GRANT)
    assert await view_of(stage, BOB) is None
    assert "does not let you" in (await stage.whispers(BOB, thread_ts=request.thread_ts))[-1]
    wrapper = await ask(stage, 2, scaled(4, "run_command"))
    assert "Approve and allow more…" not in buttons(await stage.shown(wrapper))
    assert "runs what its arguments say" in await ops(stage, f"grants allow {wrapper.id}")


async def test_a_vote_that_does_not_count_gives_no_grant(stage: Stage) -> None:
    request = await ask(stage, 1, scaled(4), requester=ALICE)
    await stage.click(request, ALICE, identifiers.GRANT)
    await send(stage, ALICE, reason="busy")
    await send(stage, ALICE)
    assert stage.grants.rows == {}
    assert "began with you" in (await stage.whispers(ALICE, thread_ts=request.thread_ts))[-1]


@pytest.fixture
async def of_two() -> AsyncIterator[Stage]:
    """Yield a stage where two have to approve."""

    def prepare(stage: Stage) -> None:
        stage.rules = RULES | {"rules": [{**RULES["rules"][0], "quorum": 2}]}  # type: ignore[index]

    async with open_listening_stage(prepare=prepare) as opened:
        yield opened


async def waiting_with_a_grants_vote(stage: Stage) -> tuple[StandingGrant, ApprovalRequest]:
    """Return a grant of CAROL's and a request that has its vote and waits for one more."""
    first = await ask(stage, 1, scaled(4))
    await ops(stage, f"grants allow `{first.id}`", person=CAROL)
    await send(stage, CAROL, workers="2 to 8", reason="busy", uses="2")
    await send(stage, CAROL)
    (grant,) = stage.grants.rows.values()
    request = await ask(stage, 2, scaled(6))
    assert [vote.grant_id for vote in request.votes] == [grant.id]
    return grant, request


async def test_a_revoked_grants_vote_goes_from_the_card_and_the_request_waits_for_its_giver(of_two: Stage) -> None:
    grant, request = await waiting_with_a_grants_vote(of_two)
    card = words(await of_two.shown(request))
    assert f"<@{CAROL}> approved ahead" in card
    assert "1 of 2 to approve" in card
    assert request.id not in mine(await ops(of_two, "approvals", person=CAROL))
    await ops(of_two, f"grants revoke {grant.id}", person=CAROL)
    card = words(await of_two.shown(request))
    assert f"*No longer counts:* what <@{CAROL}> approved ahead: it was revoked." in card
    assert "to approve" not in card
    assert "Allowed by grant" not in card
    assert request.id in mine(await ops(of_two, "approvals", person=CAROL))
    await of_two.click(request, ALICE, identifiers.APPROVE)
    assert "1 of 2 to approve" in words(await of_two.shown(request))
    await of_two.click(request, CAROL, identifiers.APPROVE)
    assert of_two.approvals.rows[request.id].status is ApprovalStatus.APPROVED


async def test_a_request_that_nobody_can_complete_says_so_on_its_card(of_two: Stage) -> None:
    said = "*Nobody can complete this:* even if all approved who may, it would lack"
    assert said not in words(await of_two.shown(await ask(of_two, 1, scaled(4), requester="alert")))
    lonely = await ask(of_two, 2, scaled(6), requester=ALICE)
    assert f"{said} 1 person" in words(await of_two.shown(lonely))


def mine(said: str) -> str:
    """Return what of the list waits for whoever asked for it."""
    return said.partition("For others")[0]


async def test_a_grant_whose_time_is_over_goes_from_the_card_too(of_two: Stage) -> None:
    _, request = await waiting_with_a_grants_vote(of_two)
    of_two.approvals.rows[request.id] = request.model_copy(update={"decide_by": request.decide_by.replace(year=2027)})
    of_two.clock.advance(hours=2)
    assert of_two.services is not None
    await of_two.services.granting.expire()
    assert "approved ahead: its time is over." in words(await of_two.shown(request))


async def test_ops_lists_allows_and_revokes(stage: Stage) -> None:
    assert "No approval is given ahead" in await ops(stage, "grants")
    request = await ask(stage, 1, scaled(4))
    await ops(stage, f"grants allow `{request.id}`", person=CAROL)
    await send(stage, CAROL, reason="busy", uses="1")
    await send(stage, CAROL)
    (grant,) = stage.grants.rows.values()
    assert stage.approvals.rows[request.id].status is ApprovalStatus.PENDING, "it approves what comes, not this"
    said = await ops(stage, "grants")
    assert "used 0 of 1" in said
    assert grant.id in said
    assert "may revoke" in await ops(stage, f"grants revoke {grant.id}", person=BOB)
    assert "is revoked" in await ops(stage, f"grants revoke {grant.id}", person=ALICE)
    assert "ended already" in await ops(stage, f"grants revoke {grant.id}", person=ALICE)
    assert "I know no grant" in await ops(stage, "grants revoke grt_none")
    assert "/ops grants allow" in await ops(stage, "grants please")
    assert (await ask(stage, 2, scaled(4))).votes == ()


async def test_app_home_shows_them_suspends_them_and_takes_them_back(stage: Stage) -> None:
    grant = await granted(stage)
    shown = await home(stage)
    assert "Approved ahead (1)" in words(shown)
    await stage.freeze.turn_on(ALICE, "stop")
    shown = await home(stage)
    assert "suspended while everything is frozen" in words(shown)
    await stage.act("click", **{"as": ALICE}, view_id=shown["id"], action_id=identifiers.GRANT_REVOKE)
    assert stage.grants.rows[grant.id].ended_by == ALICE
    assert "is revoked" in words((await stage.http.get("/control/view", params={"as": ALICE})).json()["homes"])
    assert [kind for kind in stage.audit.kinds if kind.startswith("Grant")] == ["GrantCreated", "GrantRevoked"]


async def test_the_button_in_the_list_of_ops_revokes(stage: Stage) -> None:
    grant = await granted(stage)
    await stage.act("slash", **{"as": ALICE}, channel=OPS, command="/ops", text="grants")
    listed = [each for each in await stage.history(ALICE, OPS) if each.get("is_ephemeral")][-1]
    click = {"channel": OPS, "ts": listed["ts"], "action_id": identifiers.GRANT_REVOKE}
    await stage.act("click", **{"as": ALICE}, **click)
    assert stage.grants.rows[grant.id].ended_as == "revoked"
    (left,) = [each for each in await stage.history(ALICE, OPS) if each["ts"] == listed["ts"]]
    assert "is revoked" in words(left)
    assert identifiers.GRANT_REVOKE not in str(left["blocks"]), "what is revoked has no button any more"
