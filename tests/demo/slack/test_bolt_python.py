"""An unmodified Bolt for Python app lives in the workspace as it would in Slack."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace

BOT_TOKEN, APP_TOKEN = "xoxb-local-watchkeeper-bot", "xapp-local-watchkeeper-app"


def _modal() -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "reason_modal",
        "title": {"type": "plain_text", "text": "Why?"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "reason",
                "label": {"type": "plain_text", "text": "Reason"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
    }


def _card() -> list[dict[str, Any]]:
    button = {"type": "button", "action_id": "deny", "text": {"type": "plain_text", "text": "Deny"}, "value": "r-1"}
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Restart checkout?*"}},
        {"type": "actions", "block_id": "verdict", "elements": [button]},
    ]


def register(app: AsyncApp) -> None:
    """A mention, a slash command, a button with a modal, a shortcut and a Home tab."""

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], say: Any) -> None:
        await say(text="Restart checkout?", blocks=_card(), thread_ts=event.get("thread_ts") or event["ts"])

    @app.event("message")
    async def heard(event: dict[str, Any], say: Any) -> None:
        if event.get("channel_type") == "im" and "text" in event:
            await say(text=f"You said: {event['text']}", thread_ts=event["ts"])

    @app.command("/ops")
    async def ops(ack: Any, command: dict[str, Any], respond: Any) -> None:
        await ack(text=f"Working on {command['text']}")
        await respond(text="Done", response_type="in_channel")

    @app.action("deny")
    async def deny(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        view = _modal() | {"private_metadata": f"{body['channel']['id']} {body['message']['ts']}"}
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("reason_modal")
    async def submitted(ack: Any, body: dict[str, Any], view: dict[str, Any], client: AsyncWebClient) -> None:
        reason = view["state"]["values"]["reason"]["text"]["value"]
        if len(reason) < 5:
            await ack(response_action="errors", errors={"reason": "Say more."})
            return
        await ack()
        channel, ts = view["private_metadata"].split()
        who = body["user"]["id"]
        await client.chat_update(channel=channel, ts=ts, text=f"Denied by <@{who}>: {reason}", blocks=[])

    @app.shortcut("investigate_message")
    async def investigate(ack: Any, shortcut: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        where = {"channel": shortcut["channel"]["id"], "thread_ts": shortcut["message"]["ts"]}
        await client.chat_postMessage(text="Looking into it", **where)

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        section = {"type": "section", "text": {"type": "mrkdwn", "text": f"Hello <@{event['user']}>"}}
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section]})


@pytest.fixture
async def bolt(slack: LocalWorkspace, wait_until: Callable[..., Any]) -> AsyncIterator[AsyncApp]:
    """The app, connected over Socket Mode."""
    app = AsyncApp(client=AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.url}/api/"))
    register(app)
    handler = AsyncSocketModeHandler(
        app, APP_TOKEN, web_client=AsyncWebClient(token=APP_TOKEN, base_url=f"{slack.url}/api/")
    )
    await handler.connect_async()
    await wait_until(lambda: slack.workspace.sockets.connected("A0WATCH"))
    yield app
    await handler.close_async()
    if isinstance(handler.client, SocketModeClient):
        await handler.client.aiohttp_client_session.close()


async def test_a_mention_is_answered_in_its_thread(slack: LocalWorkspace, bolt: AsyncApp) -> None:
    posted = await slack.post("post", as_="U0BOB", channel="C0OPS", text="@watchkeeper checkout is slow")
    found = await slack.get("wait", channel="C0OPS", contains="Restart checkout?", thread_ts=posted["ts"])
    assert found["message"]["thread_ts"] == posted["ts"]
    assert found["message"]["app_id"] == "A0WATCH"


async def test_a_slash_command_answers_in_private_and_then_in_the_channel(
    slack: LocalWorkspace, bolt: AsyncApp
) -> None:
    ran = await slack.post("slash", as_="U0ALICE", channel="C0OPS", command="/ops", text="status @bob")
    assert ran == {"ok": True, "response": {"text": "Working on status <@U0BOB|bob>"}}
    private = await slack.get("wait", channel="C0OPS", contains="Working on status", **{"as": "U0ALICE"})
    assert private["message"]["is_ephemeral"]
    public = await slack.get("wait", channel="C0OPS", contains="Done")
    assert "is_ephemeral" not in public["message"]


async def test_a_button_opens_a_modal_whose_submission_changes_the_card(slack: LocalWorkspace, bolt: AsyncApp) -> None:
    await slack.post("post", as_="U0BOB", channel="C0OPS", text="@watchkeeper restart")
    card = (await slack.get("wait", channel="C0OPS", contains="*Restart checkout?*"))["message"]
    clicked = await slack.post("click", as_="U0ALICE", channel="C0OPS", ts=card["ts"], action_id="deny")
    assert clicked == {"ok": True}
    view = (await slack.get("view", **{"as": "U0ALICE"}))["views"][0]
    short = {"as": "U0ALICE", "view_id": view["id"], "values": {"reason": {"text": {"value": "no"}}}}
    assert (await slack.post("view_submit", short))["errors"] == {"reason": "Say more."}
    long = {**short, "values": {"reason": {"text": {"value": "deploy is running"}}}}
    assert await slack.post("view_submit", long) == {"ok": True}
    changed = await slack.get("wait", channel="C0OPS", contains="Denied by <@U0ALICE>: deploy is running")
    assert changed["message"]["ts"] == card["ts"]
    assert "blocks" not in changed["message"]
    assert (await slack.get("view", **{"as": "U0ALICE"}))["views"] == []


async def test_home_shortcut_and_direct_message_reach_the_app(
    slack: LocalWorkspace, bolt: AsyncApp, wait_until: Callable[..., Any]
) -> None:
    opened = await slack.post("home_open", as_="U0CAROL", app_id="A0WATCH", tab="home")
    assert opened["view"] is None

    async def home() -> Any:
        return (await slack.get("view", **{"as": "U0CAROL"}))["homes"].get("A0WATCH")

    assert (await wait_until(home))["blocks"][0]["text"]["text"] == "Hello <@U0CAROL>"
    alert = await slack.post(
        "bot_post", channel="C0INCIDENTS", username="Alertmanager", text="[FIRING:1]", webhook=True
    )
    await slack.post(
        "shortcut", as_="U0CAROL", callback_id="investigate_message", channel="C0INCIDENTS", ts=alert["ts"]
    )
    await slack.get("wait", channel="C0INCIDENTS", contains="Looking into it", thread_ts=alert["ts"])
    said = await slack.post("post", as_="U0CAROL", channel="U0WATCH", text="hi")
    answer = await slack.get("wait", channel=said["channel"], contains="You said: hi", thread_ts=said["ts"])
    assert answer["message"]["user"] == "U0WATCH"
