"""One busy morning: every method is called once and every kind of payload is delivered."""

import asyncio
import json
import time
from typing import Any

import httpx
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import connect

from demo.slack import LocalWorkspace

Json = dict[str, Any]
BUTTONS: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "Restart?"}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"},
            {
                "type": "static_select",
                "action_id": "pick",
                "options": [{"text": {"type": "plain_text", "text": "A"}, "value": "a"}],
            },
        ],
    },
]
MODAL: Json = {
    "type": "modal",
    "callback_id": "form",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
        *BUTTONS,
    ],
}


async def call_everything(slack: LocalWorkspace, client: AsyncWebClient) -> dict[str, Json]:
    """The response of each method, by its name."""
    got: dict[str, Json] = {}

    async def call(method: str, **args: Any) -> Json:
        got[method] = dict((await client.api_call(method, json=args)).data)  # type: ignore[arg-type]
        return got[method]

    for method in ("api.test", "auth.test", "team.info", "emoji.list", "users.conversations", "users.list"):
        await call(method)
    await call("bots.info", bot="B0WATCH")
    await call("oauth.v2.access", code="local-A0WATCH")
    ops = {"channel": "C0OPS"}
    root = (await slack.post("post", as_="U0ALICE", channel="C0OPS", text="@watchkeeper hi :tada:"))["ts"]
    attachment = {"title": "a", "color": "danger", "fields": [{"title": "x", "value": "y", "short": True}]}
    metadata = {"event_type": "x", "event_payload": {"a": 1}}
    card = await call("chat.postMessage", **ops, text="hi", blocks=BUTTONS, attachments=[attachment], metadata=metadata)
    reply = await client.chat_postMessage(**ops, text="all well", thread_ts=root, reply_broadcast=True)
    await call("chat.update", **ops, ts=card["ts"], text="new")
    await call("chat.postEphemeral", **ops, user="U0ALICE", text="psst")
    await call("chat.getPermalink", **ops, message_ts=card["ts"])
    await call("chat.scheduleMessage", **ops, text="later", post_at=int(time.time()) + 999)
    await _stream(call, root)
    thread = {"channel_id": "C0OPS", "thread_ts": root}
    await call("assistant.threads.setStatus", **thread, status="is thinking")
    await call("assistant.threads.setTitle", **thread, title="t")
    await call("assistant.threads.setSuggestedPrompts", **thread, prompts=["a"])
    await call("agents.sessions.setStatus", **thread, status="processing", title="Slow checkout")
    for method in ("reactions.add", "reactions.get", "pins.add", "pins.list"):
        await call(method, **ops, timestamp=root, name="eyes")
    await call("bookmarks.add", channel_id="C0OPS", title="x", type="link", link="https://status.example")
    await call("conversations.list", types="public_channel,im")
    await call("conversations.info", **ops, include_num_members=True)
    await call("conversations.open", users="U0ALICE", return_im=True)
    for method in ("conversations.members", "conversations.join", "conversations.history", "conversations.replies"):
        await call(method, **ops, ts=root, include_all_metadata=True)
    await call("conversations.setTopic", **ops, topic="x")
    room = (await call("conversations.create", name="new-room"))["channel"]["id"]
    await call("conversations.invite", channel=room, users="U0ALICE,U0BOB")
    await call("users.info", user="U0ALICE", include_locale=True)
    await call("users.lookupByEmail", email="alice@watchkeeper.example")
    await call("users.profile.get", user="U0ALICE")
    await call("usergroups.list", include_users=True)
    await call("usergroups.users.list", usergroup="S0SRE")
    await call("views.publish", user_id="U0ALICE", view={"type": "home", "blocks": BUTTONS})
    await call("blocks.validate", blocks=BUTTONS)
    await _upload(call)
    await call("reactions.remove", **ops, timestamp=root, name="eyes")
    await call("chat.delete", **ops, ts=str(reply["ts"]))
    return got


async def _stream(call: Any, root: str) -> None:
    recipient = {"recipient_team_id": "T00WATCH", "recipient_user_id": "U0ALICE"}
    stream = await call("chat.startStream", channel="C0OPS", thread_ts=root, **recipient)
    task = {"type": "task_update", "id": "1", "title": "Look", "status": "pending"}
    where = {"channel": "C0OPS", "ts": stream["ts"]}
    await call("chat.appendStream", **where, chunks=[{"type": "markdown_text", "text": "Hello"}, task])
    await call("chat.stopStream", **where, chunks=[], session_status="active")


async def _upload(call: Any) -> None:
    wanted = await call("files.getUploadURLExternal", filename="plot.png", length=3)
    async with httpx.AsyncClient(trust_env=False) as sender:
        form = await sender.post(wanted["upload_url"], files={"file": ("plot.png", b"abc")})
    assert form.text == "OK - 3"
    files = [{"id": wanted["file_id"], "title": "Plot"}]
    await call("files.completeUploadExternal", files=files, channel_id="C0OPS", initial_comment="See")
    await call("files.info", file=wanted["file_id"])


async def act_on_everything(slack: LocalWorkspace, client: AsyncWebClient) -> list[Json]:
    """Every interaction payload, as it left the server, in the order of the acts."""
    app = AsyncWebClient(token="xapp-local-watchkeeper-app", base_url=client.base_url)
    async with connect(str((await app.apps_connections_open(app_token=app.token or ""))["url"])) as socket:
        acks = asyncio.create_task(_ack_all(socket))
        try:
            await _act(slack, client)
        finally:
            acks.cancel()
    return [d.payload for d in slack.workspace.deliveries.log if d.type != "events_api"]


async def _ack_all(socket: Any) -> None:
    async for frame in socket:
        envelope = json.loads(frame)
        if "envelope_id" in envelope:
            await socket.send(json.dumps({"envelope_id": envelope["envelope_id"]}))


async def _act(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    alice = {"as": "U0ALICE"}
    card = await client.chat_postMessage(channel="C0OPS", text="Restart?", blocks=BUTTONS)
    where = {"channel": "C0OPS", "ts": card["ts"]}
    await slack.post("click", {**alice, **where, "action_id": "pick", "selected_option": "a"})
    await slack.post("click", {**alice, **where, "action_id": "go"})
    await slack.post("slash", alice, channel="C0OPS", command="/ops", text="help")
    await slack.post("shortcut", alice, **where, callback_id="investigate_message")
    trigger = slack.workspace.triggers.issue("A0WATCH", "U0ALICE")
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    assert isinstance(view, dict)
    await slack.post("click", {**alice, "view_id": view["id"], "action_id": "go"})
    await slack.post("view_submit", alice, view_id=view["id"], values={"why": {"text": {"value": "because"}}})
    trigger = slack.workspace.triggers.issue("A0WATCH", "U0ALICE")
    view = (await client.views_open(trigger_id=trigger, view=MODAL))["view"]
    assert isinstance(view, dict)
    await slack.post("view_close", alice, view_id=view["id"])
    await slack.post("home_open", alice, app_id="A0WATCH", tab="home")
