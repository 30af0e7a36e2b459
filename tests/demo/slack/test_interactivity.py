"""Clicks, modals, triggers and response URLs keep Slack's rules."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import ClientConnection, connect

from demo.slack import LocalWorkspace
from tests.demo.slack.everything import MODAL

Json = dict[str, Any]
ALICE = {"as": "U0ALICE"}
CONFIRM = {
    "title": {"type": "plain_text", "text": "Restart?"},
    "text": {"type": "plain_text", "text": "In production"},
    "confirm": {"type": "plain_text", "text": "Yes"},
    "deny": {"type": "plain_text", "text": "No"},
}
CARD: list[Json] = [
    {
        "type": "actions",
        "block_id": "acts",
        "elements": [
            {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "r1"},
            {"type": "button", "action_id": "risky", "text": {"type": "plain_text", "text": "R"}, "confirm": CONFIRM},
            {
                "type": "static_select",
                "action_id": "pick",
                "options": [
                    {"text": {"type": "plain_text", "text": "One"}, "value": "1"},
                    {"text": {"type": "plain_text", "text": "Two"}, "value": "2"},
                ],
            },
        ],
    }
]


class ScriptedApp:
    """Acknowledges every interaction with the next scripted answer and keeps the payloads."""

    def __init__(self) -> None:
        self.answers: list[Json | None] = []
        self.got: list[Json] = []

    async def run(self, socket: ClientConnection) -> None:
        """Serve until cancelled."""
        async for frame in socket:
            envelope = json.loads(frame)
            if envelope["type"] != "interactive":
                continue
            self.got.append(envelope["payload"])
            answer = self.answers.pop(0) if self.answers else None
            ack = {"envelope_id": envelope["envelope_id"]}
            await socket.send(json.dumps(ack | ({"payload": answer} if answer else {})))


@pytest.fixture
async def app(slack: LocalWorkspace) -> AsyncIterator[ScriptedApp]:
    """A connected app that does as it is told."""
    web = AsyncWebClient(token="xapp-local-watchkeeper-app", base_url=f"{slack.url}/api/")
    scripted = ScriptedApp()
    async with connect(str((await web.apps_connections_open(app_token=web.token or ""))["url"])) as socket:
        await socket.recv()
        running = asyncio.create_task(scripted.run(socket))
        yield scripted
        running.cancel()


@pytest.fixture
async def card(client: AsyncWebClient) -> Json:
    """A message with buttons in #ops, as channel and ts."""
    posted = await client.chat_postMessage(channel="C0OPS", text="card", blocks=CARD)
    return {"channel": "C0OPS", "ts": str(posted["ts"])}


async def open_modal(slack: LocalWorkspace, client: AsyncWebClient, view: Json | None = None) -> Json:
    """A modal on Alice's screen."""
    trigger = slack.workspace.triggers.issue("A0WATCH", "U0ALICE")
    opened = (await client.views_open(trigger_id=trigger, view=view or MODAL))["view"]
    assert isinstance(opened, dict)
    return opened


async def refusal(awaitable: Any) -> str:
    """The error code of a refused call."""
    with pytest.raises(SlackApiError) as refused:
        await awaitable
    return refused.value.response["error"]


async def test_a_click_carries_the_cards_value_and_state(slack: LocalWorkspace, app: ScriptedApp, card: Json) -> None:
    await slack.post("click", ALICE, **card, action_id="pick", selected_option="2")
    await slack.post("click", ALICE, **card, action_id="go", value="forged")
    picked, gone = app.got
    assert picked["actions"][0]["selected_option"]["text"]["text"] == "Two"
    assert (gone["actions"][0]["value"], gone["user"]["id"]) == ("r1", "U0ALICE")
    assert gone["state"]["values"]["acts"]["pick"]["selected_option"]["value"] == "2"
    assert gone["container"] == {
        "type": "message",
        "message_ts": card["ts"],
        "channel_id": "C0OPS",
        "is_ephemeral": False,
    }


async def test_an_element_with_confirm_needs_a_yes(slack: LocalWorkspace, app: ScriptedApp, card: Json) -> None:
    asked = await slack.post("click", ALICE, **card, action_id="risky")
    assert (asked["error"], asked["confirm"]) == ("confirm_required", CONFIRM)
    assert app.got == []
    assert (await slack.post("click", ALICE, **card, action_id="risky", confirmed=True))["ok"]


async def test_a_stale_card_or_a_foreign_option_is_no_element(
    slack: LocalWorkspace, app: ScriptedApp, client: AsyncWebClient, card: Json
) -> None:
    foreign = await slack.post("click", ALICE, **card, action_id="pick", selected_option="99")
    await client.chat_update(**card, text="decided", blocks=[])
    stale = await slack.post("click", ALICE, **card, action_id="go")
    assert [foreign["error"], stale["error"]] == ["element_not_found"] * 2
    assert app.got == []


async def test_an_unanswered_click_marks_the_element(slack: LocalWorkspace, app: ScriptedApp, card: Json) -> None:
    await slack.post("faults", drop_ack=1)
    failed = await slack.post("click", ALICE, **card, action_id="go")
    assert failed["error"] == "operation_timeout"
    message = (await slack.get("history", channel="C0OPS", **ALICE))["messages"][-1]
    assert message["interaction_error"] == {"action_id": "go", "error": "operation_timeout"}
    await slack.post("click", ALICE, **card, action_id="go")
    message = (await slack.get("history", channel="C0OPS", **ALICE))["messages"][-1]
    assert "interaction_error" not in message


async def test_a_trigger_works_once_and_for_three_seconds(
    slack: LocalWorkspace, app: ScriptedApp, client: AsyncWebClient, card: Json
) -> None:
    for _ in range(2):
        await slack.post("click", ALICE, **card, action_id="go")
    first, second = (p["trigger_id"] for p in app.got)
    await client.views_open(trigger_id=first, view=MODAL)
    assert await refusal(client.views_open(trigger_id=first, view=MODAL)) == "exchanged_trigger_id"
    await slack.post("clock", scale=100_000)
    assert await refusal(client.views_open(trigger_id=second, view=MODAL)) == "expired_trigger_id"


async def test_a_submission_is_answered_by_errors_update_push_clear_or_nothing(
    slack: LocalWorkspace, app: ScriptedApp, client: AsyncWebClient
) -> None:
    view = await open_modal(slack, client)
    form = {**ALICE, "view_id": view["id"], "values": {"why": {"text": {"value": "because"}}}}
    empty = await slack.post("view_submit", {**form, "values": {}})
    assert (list(empty["errors"]), app.got) == (["why"], [])
    title = {"title": {"type": "plain_text", "text": "Second"}}
    app.answers = [
        {"response_action": "errors", "errors": {"why": "no"}},
        {"response_action": "update", "view": MODAL | title},
        {"response_action": "push", "view": MODAL},
        {"response_action": "clear"},
    ]
    assert (await slack.post("view_submit", form))["errors"] == {"why": "no"}
    await slack.post("view_submit", form)
    await slack.post("view_submit", form)
    views = (await slack.get("view", **ALICE))["views"]
    assert [v["title"]["text"] for v in views] == ["Second", "Form"]
    assert (views[1]["previous_view_id"], views[1]["root_view_id"]) == (view["id"], view["id"])
    await slack.post("view_submit", {**form, "view_id": views[1]["id"]})
    assert (await slack.get("view", **ALICE))["views"] == []
    last = await open_modal(slack, client)
    assert await slack.post("view_submit", {**form, "view_id": last["id"]}) == {"ok": True}
    assert (await slack.get("view", **ALICE))["views"] == []
    assert app.got[0]["view"]["state"]["values"]["why"]["text"] == {"type": "plain_text_input", "value": "because"}


async def test_views_are_stacked_three_deep_and_guarded_by_their_hash(
    slack: LocalWorkspace, app: ScriptedApp, client: AsyncWebClient
) -> None:
    view = await open_modal(slack, client)
    triggers = [slack.workspace.triggers.issue("A0WATCH", "U0ALICE") for _ in range(3)]
    for trigger in triggers[:2]:
        await client.views_push(trigger_id=trigger, view=MODAL)
    assert await refusal(client.views_push(trigger_id=triggers[2], view=MODAL)) == "push_limit_reached"
    await client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    stale = client.views_update(view_id=view["id"], hash=view["hash"], view=MODAL)
    assert await refusal(stale) == "hash_conflict"
    top = (await slack.get("view", **ALICE))["views"][-1]
    closed = await slack.post("view_close", ALICE, view_id=top["id"])
    assert closed["closed"] == [top["id"]]
    assert app.got[-1]["type"] == "view_closed"


async def test_a_response_url_answers_five_times_and_alone_alters_an_ephemeral(
    slack: LocalWorkspace, app: ScriptedApp, client: AsyncWebClient, http: httpx.AsyncClient
) -> None:
    hidden = await client.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="only you", blocks=CARD)
    where = {"channel": "C0OPS", "ts": hidden["message_ts"]}
    await slack.post("click", ALICE, **where, action_id="go")
    payload = app.got[-1]
    assert payload["container"]["is_ephemeral"] is True
    assert "message" not in payload
    assert await refusal(client.chat_update(**where, text="x")) == "message_not_found"
    url = payload["response_url"]
    await http.post(url, json={"text": "changed", "replace_original": True})
    mine = (await slack.get("history", channel="C0OPS", **ALICE))["messages"]
    assert [m["text"] for m in mine] == ["changed"]
    await http.post(url, json={"delete_original": True})
    assert (await slack.get("history", channel="C0OPS", **ALICE))["messages"] == []
    for _ in range(3):
        assert (await http.post(url, json={"text": "more"})).status_code == 200
    spent = await http.post(url, json={"text": "too much"})
    assert (spent.status_code, spent.json()["error"]) == (404, "used_url")


async def test_a_response_url_expires_after_thirty_minutes(
    slack: LocalWorkspace, app: ScriptedApp, card: Json, http: httpx.AsyncClient
) -> None:
    await slack.post("click", ALICE, **card, action_id="go")
    await slack.post("clock", scale=10_000_000)
    late = await http.post(app.got[-1]["response_url"], json={"text": "late"})
    assert (late.status_code, late.json()["error"]) == (404, "expired_url")


async def test_people_act_only_where_they_can_see(slack: LocalWorkspace, app: ScriptedApp, card: Json) -> None:
    guest = await slack.post("click", {"as": "U0DAVE"}, **card, action_id="go")
    assert (guest["ok"], app.got) == (False, [])
    said = await slack.post("post", as_="U0DAVE", channel="C0OPS", text="hello?")
    assert said["error"] == "channel_not_found"
    state = await slack.get("state", **{"as": "U0DAVE"})
    assert "C0OPS" not in {c["id"] for c in state["channels"]}
