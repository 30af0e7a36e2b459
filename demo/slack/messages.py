"""Posting, editing and deleting: the one place where a channel's content changes, with its frames and events."""

import copy
import uuid
from typing import TYPE_CHECKING

from demo.slack.events import raise_in_channel, raise_mentions, raise_message
from demo.slack.objects import bot_profile, bot_user_profile
from demo.slack.state import TEAM_ID, App, Channel, Json, Message, User
from demo.slack.text import rich_text_block, typed_text

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

_ROOT_FIELDS = ("reply_count", "reply_users_count", "latest_reply", "reply_users")


def person_body(ws: "Workspace", user_id: str, typed: str) -> Json:
    """The message a person's typing becomes (no ts yet)."""
    text = typed_text(ws.state, typed)
    return {
        "client_msg_id": str(uuid.uuid4()),
        "type": "message",
        "user": user_id,
        "text": text,
        "team": TEAM_ID,
        "blocks": [rich_text_block(text)],
    }


def app_body(app: App, text: str) -> Json:
    """The bare message of an app (no ts yet)."""
    return {
        "type": "message",
        "user": app.bot_user_id,
        "bot_id": app.bot_id,
        "app_id": app.id,
        "text": text,
        "team": TEAM_ID,
        "bot_profile": bot_profile(app),
    }


def outside_body(user: User, text: str, webhook: bool) -> Json:
    """The message of an integration that is no app here; a webhook's has subtype bot_message and no user."""
    if webhook:
        return {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": user.bot_id,
            "app_id": user.app_id,
            "username": user.real_name,
            "text": text,
        }
    profile = bot_user_profile(user)
    sender = {"user": user.id, "bot_id": user.bot_id, "app_id": user.app_id, "team": TEAM_ID}
    return {"type": "message", **sender, "text": text, "bot_profile": profile, "username": user.real_name}


def root_ts(channel: Channel, thread_ts: str) -> str:
    """The root of the thread that `thread_ts` belongs to (replies are no roots)."""
    message = channel.messages.get(thread_ts)
    return (message.thread_ts or thread_ts) if message and message.is_reply else thread_ts


def add(ws: "Workspace", channel: Channel, message: Message, thread_ts: str | None = None) -> Message:
    """Give the message its ts, store it, count it at its thread root, show it and raise its events."""
    body = message.body
    body["ts"] = ws.mint.next()
    if thread_ts:
        _join_thread(channel, message, root_ts(channel, thread_ts))
    channel.messages[message.ts] = message
    ws.live.publish({"type": "message", "channel": channel.id, "message": shown(ws, message)}, channel.members)
    _show_root(ws, channel, message)
    _clear_status(ws, channel, message)
    raise_message(ws, channel, copy.deepcopy(body))
    raise_mentions(ws, channel, body)
    return message


def _join_thread(channel: Channel, message: Message, root: str) -> None:
    body = message.body
    body["thread_ts"] = root
    parent = channel.messages.get(root)
    if parent is None:
        return
    if "user" in parent.body:
        body["parent_user_id"] = parent.body["user"]
    if message.broadcast:
        body["subtype"] = "thread_broadcast"
        body["root"] = copy.deepcopy(parent.body)
    parent.body["thread_ts"] = root
    count_replies(channel, root, extra=message)


def count_replies(channel: Channel, root: str, extra: Message | None = None) -> None:
    """Recompute what a thread root says about its replies."""
    parent = channel.messages.get(root)
    if parent is None:
        return
    replies = [m for m in channel.messages.values() if m.is_reply and m.thread_ts == root]
    replies += [extra] if extra else []
    for name in _ROOT_FIELDS:
        parent.body.pop(name, None)
    if not replies:
        parent.body.pop("thread_ts", None)
        return
    users = list(dict.fromkeys(str(m.body.get("user") or m.body.get("bot_id")) for m in replies))
    parent.body |= {
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "latest_reply": max(m.ts for m in replies),
        "reply_users": users,
    }


def edit(ws: "Workspace", channel: Channel, message: Message, changes: Json, editor: str | None) -> None:
    """Change fields of a message (None removes one) and raise message_changed; `editor` marks it as edited."""
    before = copy.deepcopy(message.body)
    for key, value in changes.items():
        if value is None:
            message.body.pop(key, None)
        else:
            message.body[key] = value
    if editor:
        message.body["edited"] = {"user": editor, "ts": ws.mint.next()}
    message.interaction_error = None
    show_change(ws, channel, message)
    event = {"type": "message", "subtype": "message_changed", "hidden": True, "ts": ws.mint.next()}
    event |= {"message": copy.deepcopy(message.body), "previous_message": before}
    raise_message(ws, channel, event)


def show_change(ws: "Workspace", channel: Channel, message: Message) -> None:
    """Refresh a message on the pages without an event to the apps."""
    frame = {"type": "message_changed", "channel": channel.id, "message": shown(ws, message)}
    ws.live.publish(frame, channel.members)


def _show_root(ws: "Workspace", channel: Channel, reply: Message) -> None:
    root = channel.messages.get(reply.thread_ts or "") if reply.is_reply else None
    if root:
        show_change(ws, channel, root)


def delete(ws: "Workspace", channel: Channel, message: Message) -> None:
    """Remove a message and raise message_deleted."""
    del channel.messages[message.ts]
    if message.is_reply and message.thread_ts:
        count_replies(channel, message.thread_ts)
        _show_root(ws, channel, message)
    ws.live.publish({"type": "message_deleted", "channel": channel.id, "ts": message.ts}, channel.members)
    event = {"type": "message", "subtype": "message_deleted", "hidden": True, "deleted_ts": message.ts}
    raise_message(ws, channel, {**event, "ts": ws.mint.next(), "previous_message": copy.deepcopy(message.body)})


def add_ephemeral(ws: "Workspace", channel: Channel, body: Json, viewer: str, app_id: str) -> Message:
    """Show a message to one person only: it enters no history and raises no event."""
    message = Message({**body, "ts": ws.mint.next(), "is_ephemeral": True}, app_id=app_id, viewer=viewer)
    channel.ephemerals.append(message)
    _show_ephemeral(ws, channel, message, "ephemeral")
    return message


def replace_ephemeral(ws: "Workspace", channel: Channel, message: Message, changes: Json) -> None:
    """Alter an ephemeral in place, as a response_url may."""
    message.body |= changes
    _show_ephemeral(ws, channel, message, "ephemeral_changed")


def delete_ephemeral(ws: "Workspace", channel: Channel, message: Message) -> None:
    """Take an ephemeral off its viewer's screen."""
    channel.ephemerals.remove(message)
    ws.live.publish({"type": "ephemeral_deleted", "channel": channel.id, "ts": message.ts}, [message.viewer])


def _show_ephemeral(ws: "Workspace", channel: Channel, message: Message, kind: str) -> None:
    ws.live.publish({"type": kind, "channel": channel.id, "message": shown(ws, message)}, [message.viewer])


def react(ws: "Workspace", channel: Channel, message: Message, user_id: str, name: str, remove: bool) -> bool:
    """Add or remove a reaction; False when it was already so."""
    reactions: list[Json] = message.body.setdefault("reactions", [])
    entry = next((r for r in reactions if r["name"] == name), None)
    if (entry is not None and user_id in entry["users"]) is not remove:
        if not reactions:
            del message.body["reactions"]
        return False
    if entry is None:
        entry = {"name": name, "users": [], "count": 0}
        reactions.append(entry)
    entry["users"] = [u for u in entry["users"] if u != user_id] if remove else [*entry["users"], user_id]
    entry["count"] = len(entry["users"])
    message.body["reactions"] = [r for r in reactions if r["count"]]
    if not message.body["reactions"]:
        del message.body["reactions"]
    frame = {"type": "reaction", "channel": channel.id, "message": shown(ws, message)}
    ws.live.publish(frame, channel.members)
    event: Json = {
        "type": "reaction_removed" if remove else "reaction_added",
        "user": user_id,
        "reaction": name,
        "item": {"type": "message", "channel": channel.id, "ts": message.ts},
        "event_ts": ws.mint.next(),
    }
    if "user" in message.body:
        event["item_user"] = message.body["user"]
    raise_in_channel(ws, channel, event)
    return True


def _clear_status(ws: "Workspace", channel: Channel, message: Message) -> None:
    """A post of the app in the thread ends its "is thinking" line."""
    session = ws.state.sessions.get((channel.id, message.thread_ts or message.ts))
    if session and session.loading and message.app_id == session.app_id:
        ws.sessions.set_loading(channel, message.thread_ts or message.ts, session.app_id, "")


def shown(ws: "Workspace", message: Message) -> Json:
    """The message as the page gets it: the Web API's body plus what only the local page needs."""
    result = copy.deepcopy(message.body)
    result["streaming"] = bool(message.stream and message.stream.state == "streaming")
    if message.interaction_error:
        result["interaction_error"] = message.interaction_error
    for file in result.get("files", []):
        if "thumb_360" in file:
            file["thumb"] = file["thumb_360"]
    return result
