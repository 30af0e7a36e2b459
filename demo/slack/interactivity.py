"""Builds the payloads of clicks, submissions, shortcuts and slash commands."""

import copy
from typing import TYPE_CHECKING

from demo.slack.element_state import state_values
from demo.slack.state import (
    TEAM_DOMAIN,
    TEAM_ID,
    VERIFICATION_TOKEN,
    App,
    Channel,
    Json,
    Message,
    User,
    View,
)
from demo.slack.text import typed_text

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


def _team() -> Json:
    return {"id": TEAM_ID, "domain": TEAM_DOMAIN}


def _user(user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID}


def channel_ref(channel: Channel) -> Json:
    """A channel inside an interaction payload."""
    return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}


def message_action_payload(
    ws: "Workspace", app: App, user: User, channel: Channel, message: Message, acts: list[Json]
) -> Json:
    """block_actions on a message; an ephemeral's payload does not carry the message."""
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = bool(message.viewer)
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = _block_actions(ws, app, user, container, acts)
    payload["channel"] = channel_ref(channel)
    if not message.viewer:
        payload["message"] = copy.deepcopy(message.body)
    payload["state"] = {"values": state_values(message.body.get("blocks", []), message.state_values)}
    payload["response_url"] = ws.response_urls.issue(app, channel, user.id, message)
    return payload


def view_action_payload(ws: "Workspace", app: App, user: User, view: View, acts: list[Json]) -> Json:
    """block_actions inside a modal or Home."""
    container = {"type": "view", "view_id": view.body["id"]}
    payload = _block_actions(ws, app, user, container, acts)
    return payload | {"view": view_with_state(view)}


def _block_actions(ws: "Workspace", app: App, user: User, container: Json, acts: list[Json]) -> Json:
    return {
        "type": "block_actions",
        "user": _user(user),
        "api_app_id": app.id,
        "token": VERIFICATION_TOKEN,
        "container": container,
        "trigger_id": ws.triggers.issue(app.id, user.id),
        "team": _team(),
        "enterprise": None,
        "is_enterprise_install": False,
        "actions": acts,
    }


def view_with_state(view: View) -> Json:
    """The view as payloads carry it, with everything entered so far."""
    body = copy.deepcopy(view.body)
    body["state"] = {"values": state_values(view.body["blocks"], view.values)}
    return body


def view_submission_payload(ws: "Workspace", app: App, user: User, view: View) -> Json:
    """view_submission; response_urls for every select that asked for one."""
    body = view_with_state(view)
    return {
        "type": "view_submission",
        "team": _team(),
        "user": _user(user),
        "api_app_id": app.id,
        "token": VERIFICATION_TOKEN,
        "trigger_id": ws.triggers.issue(app.id, user.id),
        "view": body,
        "response_urls": _response_urls(ws, app, user, view, body["state"]["values"]),
        "is_enterprise_install": False,
        "enterprise": None,
    }


def _response_urls(ws: "Workspace", app: App, user: User, view: View, values: Json) -> list[Json]:
    urls: list[Json] = []
    for block in view.body["blocks"]:
        element = block.get("element") or {}
        report = values.get(block["block_id"], {}).get(element.get("action_id"), {})
        channel_id = report.get("selected_conversation") or report.get("selected_channel")
        if element.get("response_url_enabled") and channel_id in ws.state.channels:
            url = ws.response_urls.issue(app, ws.state.channels[channel_id], user.id)
            where = {"block_id": block["block_id"], "action_id": element["action_id"]}
            urls.append({**where, "channel_id": channel_id, "response_url": url})
    return urls


def view_closed_payload(app: App, user: User, view: View, is_cleared: bool) -> Json:
    """view_closed, for views that asked with notify_on_close."""
    return {
        "type": "view_closed",
        "team": _team(),
        "user": _user(user),
        "api_app_id": app.id,
        "token": VERIFICATION_TOKEN,
        "view": view_with_state(view),
        "is_cleared": is_cleared,
        "is_enterprise_install": False,
        "enterprise": None,
    }


def message_shortcut_payload(
    ws: "Workspace", app: App, user: User, callback_id: str, channel: Channel, message: Message
) -> Json:
    """message_action: a shortcut from a message's menu."""
    return {
        "type": "message_action",
        "token": VERIFICATION_TOKEN,
        "action_ts": ws.mint.next(),
        "team": _team(),
        "user": {"id": user.id, "name": user.name, "team_id": TEAM_ID},
        "channel": channel_ref(channel),
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": callback_id,
        "trigger_id": ws.triggers.issue(app.id, user.id),
        "response_url": ws.response_urls.issue(app, channel, user.id, message),
        "message_ts": message.ts,
        "message": copy.deepcopy(message.body),
    }


def global_shortcut_payload(ws: "Workspace", app: App, user: User, callback_id: str) -> Json:
    """shortcut: from the lightning menu, tied to no channel."""
    return {
        "type": "shortcut",
        "token": VERIFICATION_TOKEN,
        "action_ts": ws.mint.next(),
        "team": _team(),
        "user": _user(user),
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": callback_id,
        "trigger_id": ws.triggers.issue(app.id, user.id),
    }


def slash_payload(ws: "Workspace", app: App, user: User, channel: Channel, command: Json, text: str) -> Json:
    """A slash command; with should_escape people and channels arrive as ids."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel_ref(channel)["name"],
        "user_id": user.id,
        "user_name": user.name,
        "command": command["command"],
        "text": typed_text(ws.state, text, with_names=True) if command.get("should_escape") else text,
        "api_app_id": app.id,
        "is_enterprise_install": False,
        "response_url": ws.response_urls.issue(app, channel, user.id),
        "trigger_id": ws.triggers.issue(app.id, user.id),
    }
