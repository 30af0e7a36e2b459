"""Looks up what a control request names, or refuses with a sentence."""

from typing import TYPE_CHECKING, Any

from demo.slack.errors import ControlError
from demo.slack.state import App, Channel, Json, Message, User

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


def need(body: Json, name: str) -> Any:
    """A required field of the request."""
    if body.get(name) in (None, ""):
        raise ControlError("missing_argument", f"The field {name!r} is required.")
    return body[name]


def acting_user(ws: "Workspace", body: Json) -> User:
    """The user in the field `as`."""
    user = ws.state.users.get(str(need(body, "as")))
    if user is None:
        raise ControlError("user_not_found", f"There is no user {body['as']!r}.", 404)
    return user


def visible(channel: Channel, user: User) -> bool:
    """Whether the user may read the channel: members, and regular people in public channels."""
    if user.id in channel.members:
        return True
    return not (channel.is_im or channel.is_private or user.is_restricted)


def channel_for(ws: "Workspace", user: User, channel_id: str) -> Channel:
    """The channel, or the direct message with a user id; refuses what the user may not see."""
    if channel_id in ws.state.users:
        return ws.direct_message(user.id, channel_id)
    channel = ws.state.channels.get(channel_id) or ws.state.channel_named(channel_id.removeprefix("#"))
    if channel is None or not visible(channel, user):
        raise ControlError("channel_not_found", f"{user.real_name} sees no channel {channel_id!r}.", 404)
    return channel


def any_channel(ws: "Workspace", channel_id: str) -> Channel:
    """A channel by id or name, whoever asks."""
    channel = ws.state.channels.get(channel_id) or ws.state.channel_named(channel_id.removeprefix("#"))
    if channel is None:
        raise ControlError("channel_not_found", f"There is no channel {channel_id!r}.", 404)
    return channel


def message_in(channel: Channel, ts: str) -> Message:
    """A message of the channel."""
    message = channel.messages.get(ts)
    if message is None:
        raise ControlError("message_not_found", f"There is no message {ts} in {channel.id}.", 404)
    return message


def thread_for(channel: Channel, body: Json) -> str | None:
    """The thread a post is meant for; refuses one that the channel does not know."""
    thread_ts = body.get("thread_ts")
    if thread_ts and not any(thread_ts in (m.ts, m.thread_ts) for m in channel.messages.values()):
        raise ControlError("thread_not_found", f"There is no thread {thread_ts} in {channel.id}.", 404)
    return thread_ts or None


def message_for(channel: Channel, ts: str, user: User) -> Message:
    """A message, or an ephemeral this user sees."""
    own = next((m for m in channel.ephemerals if m.ts == ts and m.viewer == user.id), None)
    return own or message_in(channel, ts)


def app_by_id(ws: "Workspace", app_id: str) -> App:
    """An installed app."""
    if app_id not in ws.state.apps:
        raise ControlError("app_not_found", f"There is no app {app_id!r}.", 404)
    return ws.state.apps[app_id]
