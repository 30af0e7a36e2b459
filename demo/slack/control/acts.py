"""What people and outside integrations do in a channel: post, react, change, press stop."""

from typing import TYPE_CHECKING

from demo.slack import messages
from demo.slack.compose import content
from demo.slack.control.access import acting_user, any_channel, channel_for, message_in, need, thread_for
from demo.slack.errors import ControlError
from demo.slack.events import raise_for_app, raise_in_channel
from demo.slack.seed import outside_bot
from demo.slack.state import Channel, Json, Message, User

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


async def post_as_person(ws: "Workspace", body: Json) -> Json:
    """POST /control/post."""
    user = acting_user(ws, body)
    channel = channel_for(ws, user, need(body, "channel"))
    must_be_member(channel, user)
    message = Message(messages.person_body(ws, user.id, str(need(body, "text"))))
    messages.add(ws, channel, message, thread_for(channel, body))
    return {"ts": message.ts, "channel": channel.id}


def must_be_member(channel: Channel, user: User) -> None:
    """Refuse people who are not in the channel, and everybody in an archived one."""
    if user.id not in channel.members:
        raise ControlError("not_in_channel", f"{user.real_name} is not in #{channel.name}.", 403)
    if channel.is_archived:
        raise ControlError("is_archived", f"#{channel.name} is archived.")


async def post_as_bot(ws: "Workspace", body: Json) -> Json:
    """POST /control/bot_post: as another integration (webhook or app) would."""
    channel = any_channel(ws, need(body, "channel"))
    bot = outside_bot(ws.state, str(need(body, "username")))
    fields = content(body)
    message = Message(messages.outside_body(bot, "", bool(body.get("webhook"))) | fields, app_id=bot.app_id)
    messages.add(ws, channel, message, thread_for(channel, body))
    return {"ts": message.ts, "channel": channel.id}


async def edit_as_bot(ws: "Workspace", body: Json) -> Json:
    """POST /control/bot_edit: the integration edits its own message."""
    channel = any_channel(ws, need(body, "channel"))
    message = message_in(channel, need(body, "ts"))
    fields = content({k: body[k] for k in ("text", "attachments", "blocks") if k in body}, required=False)
    messages.edit(ws, channel, message, fields, str(message.body.get("user") or message.body.get("bot_id")))
    return {"ts": message.ts}


async def react(ws: "Workspace", body: Json) -> Json:
    """POST /control/reaction."""
    user = acting_user(ws, body)
    channel = channel_for(ws, user, need(body, "channel"))
    message = message_in(channel, need(body, "ts"))
    name = str(need(body, "name")).strip(":")
    changed = messages.react(ws, channel, message, user.id, name, bool(body.get("remove")))
    return {"changed": changed}


async def edit_as_person(ws: "Workspace", body: Json) -> Json:
    """POST /control/edit: a person edits their own message."""
    user = acting_user(ws, body)
    channel = channel_for(ws, user, need(body, "channel"))
    message = message_in(channel, need(body, "ts"))
    if message.body.get("user") != user.id:
        raise ControlError("cant_update_message", "People edit only their own messages.", 403)
    fresh = messages.person_body(ws, user.id, str(need(body, "text")))
    messages.edit(ws, channel, message, {k: fresh[k] for k in ("text", "blocks")}, user.id)
    return {"ts": message.ts}


async def delete_as_person(ws: "Workspace", body: Json) -> Json:
    """POST /control/delete: a person deletes their own message."""
    user = acting_user(ws, body)
    channel = channel_for(ws, user, need(body, "channel"))
    message = message_in(channel, need(body, "ts"))
    if message.body.get("user") != user.id:
        raise ControlError("cant_delete_message", "People delete only their own messages.", 403)
    messages.delete(ws, channel, message)
    return {}


async def stop_agent(ws: "Workspace", body: Json) -> Json:
    """POST /control/stop: the stop button of a session; streams of the thread end as stopped_by_user."""
    user = acting_user(ws, body)
    channel = channel_for(ws, user, need(body, "channel"))
    thread_ts = messages.root_ts(channel, need(body, "thread_ts"))
    stopped: list[str] = []
    for message in channel.messages.values():
        if message.thread_ts == thread_ts and message.stream and message.stream.state == "streaming":
            message.stream.state = "stopped_by_user"
            stopped.append(message.ts)
            messages.show_change(ws, channel, message)
    event = {"type": "agent_session_stopped", "channel": channel.id, "thread_ts": thread_ts, "user": user.id}
    event |= {"streaming_message_ts": stopped, "event_ts": ws.mint.next()}
    session = ws.state.sessions.get((channel.id, thread_ts))
    app = ws.state.apps.get(session.app_id) if session else None
    if app:
        raise_for_app(ws, app, event, channel.id)
    else:
        raise_in_channel(ws, channel, event)
    return {"streaming_message_ts": stopped}
