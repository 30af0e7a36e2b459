"""My queue: in App Home with bulk reject, in a direct message, and decided from the keyboard."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import identifiers
from core.approval import ApprovalRequest, ApprovalStatus
from core.tool_call import ToolCall
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, INCIDENTS, Stage, open_listening_stage, words
from tests.fakes.examples import a_plan, a_requirement
from tests.fakes.waiting import wait_until

TWO = a_requirement(quorum=2)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def homes(stage: Stage, person: str) -> list[dict[str, Any]]:
    return list((await stage.http.get("/control/view", params={"as": person})).json()["homes"].values())


async def home(stage: Stage, person: str = ALICE) -> dict[str, Any]:
    await stage.act("home_open", **{"as": person}, app_id="A0WATCH", tab="home")
    await wait_until(lambda: homes(stage, person))
    return (await homes(stage, person))[0]


def form(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the elements of the view's inputs by action id, each with its block's id."""
    inputs = [block for block in view["blocks"] if block["type"] == "input"]
    return {block["element"]["action_id"]: block["element"] | {"block": block["block_id"]} for block in inputs}


async def reject(stage: Stage, person: str, requests: list[ApprovalRequest], reason: str) -> str:
    """Tick, type and press; returns what the tab says then."""
    view = await home(stage, person)
    filled = form(view)
    ticked, typed = filled[identifiers.BULK_PICK], filled[identifiers.BULK_REASON]
    where = {"as": person, "view_id": view["id"]}
    known = [option for option in ticked["options"] if option["value"] in {request.id for request in requests}]
    values = {
        ticked["block"]: {identifiers.BULK_PICK: {"type": "checkboxes", "selected_options": known}},
        typed["block"]: {identifiers.BULK_REASON: {"type": "plain_text_input", "value": reason}},
    }
    await stage.act("click", **where, action_id=identifiers.BULK_REJECT, state={"values": values}, confirmed=True)
    return words((await homes(stage, person))[0])


async def ops(stage: Stage, text: str, person: str = ALICE) -> str:
    before = len(await stage.whispers(person, INCIDENTS))
    await stage.act("slash", **{"as": person}, channel=INCIDENTS, command="/ops", text=text)
    return " ".join((await stage.whispers(person, INCIDENTS))[before:])


def status(stage: Stage, request: ApprovalRequest) -> ApprovalStatus:
    return stage.approvals.rows[request.id].status


async def test_app_home_lists_mine_with_links_and_offers_no_approval(stage: Stage) -> None:
    mine = await stage.a_card(requirement=TWO)
    await stage.a_card(requester=ALICE)
    view = await home(stage)
    text = words(view)
    assert "Waiting for you (1)" in text
    assert "needs 2 of sre, two different people" in text
    assert mine.card_ts.replace(".", "") in text
    assert "🟢 Changes run once they are approved." in text
    assert identifiers.APPROVE not in str(view)


async def test_several_are_rejected_at_once_with_one_reason(stage: Stage) -> None:
    requests = [await stage.a_card() for _ in range(3)]
    told = await reject(stage, ALICE, requests[:2], "The wrong cause.")
    assert told.count("⛔ *Rejected:* restart_service") == 2
    assert [status(stage, request).value for request in requests] == ["rejected", "rejected", "pending"]
    assert [stage.approvals.rows[request.id].votes[0].reason for request in requests[:2]] == ["The wrong cause."] * 2
    assert "The wrong cause." in words(await stage.shown(requests[0]))


@pytest.mark.parametrize(("ticked", "reason"), [(0, "Because."), (1, "")])
async def test_without_a_tick_or_a_reason_nothing_is_decided(stage: Stage, ticked: int, reason: str) -> None:
    request = await stage.a_card()
    assert "nothing was decided" in await reject(stage, ALICE, [request][:ticked], reason)
    assert status(stage, request) is ApprovalStatus.PENDING


async def test_whoever_asked_may_withdraw_their_own_and_is_offered_no_others(stage: Stage) -> None:
    own = await stage.a_card(requester=BOB)
    foreign = await stage.a_card()
    view = await home(stage, BOB)
    assert [option["value"] for option in form(view)[identifiers.BULK_PICK]["options"]] == [own.id]
    assert (await reject(stage, BOB, [own, foreign], "Withdrawn.")).count("*Rejected:*") == 1
    assert (status(stage, own), status(stage, foreign)) == (ApprovalStatus.REJECTED, ApprovalStatus.PENDING)


async def test_one_that_somebody_else_decided_meanwhile_does_not_stop_the_others(stage: Stage) -> None:
    first, second = await stage.a_card(), await stage.a_card()
    await home(stage)
    await ops(stage, f"approve {first.id}", CAROL)
    view = (await homes(stage, ALICE))[0]
    filled = form(view)
    options = filled[identifiers.BULK_PICK]["options"]
    values = {
        filled[identifiers.BULK_PICK]["block"]: {identifiers.BULK_PICK: {"selected_options": options}},
        filled[identifiers.BULK_REASON]["block"]: {identifiers.BULK_REASON: {"value": "Not now."}},
    }
    where = {"as": ALICE, "view_id": view["id"], "action_id": identifiers.BULK_REJECT, "confirmed": True}
    await stage.act("click", **where, state={"values": values})
    told = words((await homes(stage, ALICE))[0])
    assert "was not rejected: This request is already approved" in told
    assert (status(stage, first), status(stage, second)) == (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


@pytest.mark.parametrize(("person", "waits"), [(ALICE, True), (BOB, False)])
async def test_my_queue_is_answered_in_a_direct_message(stage: Stage, person: str, waits: bool) -> None:
    await stage.a_card()
    opened: Any = await stage.client.conversations_open(users=person)
    channel = opened["channel"]["id"]
    posted = await stage.act("post", **{"as": person}, channel=channel, text="My queue")

    async def answers() -> list[str]:
        thread = await stage.history(person, channel, posted["ts"])
        return [words(message) for message in thread if message["ts"] != posted["ts"]]

    await wait_until(answers)
    said = (await answers())[0]
    assert ("1 request waiting for you" in said, "you are in sre" in said) == (waits, waits)
    assert ("Nothing waits for you" in said) != waits
    assert stage.queue.waiting == []  # it is no question


async def test_approve_from_the_keyboard_is_the_same_vote(stage: Stage) -> None:
    request = await stage.a_card(requirement=TWO)
    assert request.id in await ops(stage, "approvals")
    assert "still needs 1 more of sre" in await ops(stage, f"approve {request.id}")
    assert "voted on this request already" in await ops(stage, f"approve {request.id}")
    assert "Approved, running" in await ops(stage, f"approve {request.id}", CAROL)
    assert status(stage, request) is ApprovalStatus.APPROVED
    assert "Approved" in (await stage.shown(request))["text"]


@pytest.mark.parametrize(
    ("person", "text", "said"),
    [
        (BOB, "approve {id}", "Only members of sre"),
        (DAVE, "approve {id}", "Only members of sre"),
        (ALICE, "approve", "Approve which?"),
        (ALICE, "approve apr_forged", "I know no request apr_forged"),
        (ALICE, "reject {id}", "needs an id and a reason"),
        (BOB, "reject {id} because", "Only members of sre"),
    ],
)
async def test_the_keyboard_is_refused_what_the_button_is_refused(
    stage: Stage, person: str, text: str, said: str
) -> None:
    request = await stage.a_card()
    assert said in await ops(stage, text.format(id=request.id), person)
    assert (status(stage, request), stage.approvals.rows[request.id].votes) == (ApprovalStatus.PENDING, ())
    if person in (BOB, DAVE):
        assert "VoteRefused" in stage.audit.kinds


async def test_reject_from_the_keyboard_has_its_reason(stage: Stage) -> None:
    request = await stage.a_card()
    assert "Rejected" in await ops(stage, f"reject {request.id} not & now")
    row = stage.approvals.rows[request.id]
    assert (row.status, row.votes[0].reason) == (ApprovalStatus.REJECTED, "not & now")


async def test_what_asks_for_the_targets_name_asks_for_it_at_the_keyboard_too(stage: Stage) -> None:
    long = ToolCall(name="set_config", args={"service": "checkout", "key": "motd", "value": "x" * 10_000})
    request = await stage.a_card(plan=a_plan(call=long))
    assert "type the name of its target" in await ops(stage, f"approve {request.id}")
    assert status(stage, request) is ApprovalStatus.PENDING
    assert "Approved" in await ops(stage, f"approve {request.id} checkout")
