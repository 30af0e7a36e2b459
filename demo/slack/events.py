"""Builds Events API payloads and decides which apps hear them."""

import base64
import json
import time
from typing import TYPE_CHECKING

from demo.slack.ids import new_id
from demo.slack.state import TEAM_ID, VERIFICATION_TOKEN, App, Channel, Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


def event_callback(app: App, event: Json, channel_id: str = "") -> Json:
    """The outer payload around one event for one app; every call makes a new event_id."""
    context = {"et": event["type"], "tid": TEAM_ID, "aid": app.id, "cid": channel_id}
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": "4-" + base64.urlsafe_b64encode(json.dumps(context).encode()).decode().rstrip("="),
    }


def channel_type(channel: Channel) -> str:
    """`channel`, `group` or `im`, as message events say it."""
    if channel.is_im:
        return "im"
    return "group" if channel.is_private else "channel"


def raise_in_channel(ws: "Workspace", channel: Channel, event: Json) -> None:
    """Send an event to every app whose bot is in the channel."""
    for app in ws.state.apps.values():
        if app.bot_user_id in channel.members:
            ws.deliveries.send_event(app, event_callback(app, event, channel.id))


def raise_message(ws: "Workspace", channel: Channel, event: Json) -> None:
    """A `message` event (any subtype) with the channel's fields added."""
    full = {**event, "channel": channel.id, "channel_type": channel_type(channel)}
    raise_in_channel(ws, channel, {"event_ts": event.get("ts"), **full})


def raise_mentions(ws: "Workspace", channel: Channel, body: Json) -> None:
    """`app_mention` to each app whose bot the text names; not in direct messages, and not about the bot's own text."""
    if channel.is_im:
        return
    for app in ws.state.apps.values():
        named = f"<@{app.bot_user_id}" in str(body.get("text", ""))
        if named and app.bot_user_id in channel.members and body.get("user") != app.bot_user_id:
            fields = ("user", "ts", "client_msg_id", "text", "team", "thread_ts", "blocks", "bot_id", "app_id")
            event = {"type": "app_mention", **{k: body[k] for k in fields if k in body}}
            event |= {"channel": channel.id, "event_ts": body["ts"]}
            ws.deliveries.send_event(app, event_callback(app, event, channel.id))


def raise_for_app(ws: "Workspace", app: App, event: Json, channel_id: str = "") -> None:
    """Send an event to one app, whatever channel it is about."""
    ws.deliveries.send_event(app, event_callback(app, event, channel_id))
