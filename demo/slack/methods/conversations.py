"""conversations.*: lists, history, threads, members, and the few changes a bot makes."""

import re

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.events import raise_in_channel
from demo.slack.ids import new_id
from demo.slack.methods.registry import method
from demo.slack.objects import channel_json, now_seconds
from demo.slack.paging import page
from demo.slack.rates import TIER_2, TIER_3, TIER_4
from demo.slack.state import TEAM_ID, Channel, Json, Message

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_MANAGE = ("channels:manage", "groups:write", "im:write", "mpim:write")
_TYPES = {"public_channel", "private_channel", "mpim", "im"}
_TS = re.compile(r"\d+(\.\d+)?$")


def _kind(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def listed(call: Call, only_member_of: str = "") -> list[Channel]:
    """Conversations the app may know, by `types` and `exclude_archived`; raises invalid_types."""
    types = set(call.names("types") or ["public_channel"])
    if types - _TYPES:
        raise SlackError("invalid_types")
    bot = call.app.bot_user_id
    return [
        c
        for c in call.ws.state.channels.values()
        if _kind(c) in types
        and (bot in c.members or _kind(c) == "public_channel")
        and (not only_member_of or only_member_of in c.members)
        and not (call.flag("exclude_archived") and c.is_archived)
    ]


@method("conversations.list", TIER_2, *_READ)
async def conversations_list(call: Call) -> Json:
    """Channels, and direct messages of the bot."""
    channels, metadata = page(call, listed(call))
    bot = call.app.bot_user_id
    return {"channels": [channel_json(c, bot, counted=True) for c in channels], "response_metadata": metadata}


@method("conversations.info", TIER_3, *_READ)
async def conversations_info(call: Call) -> Json:
    """One conversation."""
    call.require("channel")
    return {"channel": channel_json(call.channel(), call.app.bot_user_id, call.flag("include_num_members"))}


@method("conversations.members", TIER_4, *_READ)
async def conversations_members(call: Call) -> Json:
    """User ids of the members."""
    call.require("channel")
    members, metadata = page(call, call.channel().members)
    return {"members": members, "response_metadata": metadata}


def _window(call: Call, found: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest"), call.text("latest")
    for bound, code in ((oldest, "invalid_ts_oldest"), (latest, "invalid_ts_latest")):
        if bound and not _TS.match(bound):
            raise SlackError(code)
    inclusive = call.flag("inclusive")
    low, high = float(oldest or 0), float(latest or "inf")
    return [m for m in found if low < float(m.ts) < high or (inclusive and m.ts in (oldest, latest))]


def _body(call: Call, message: Message) -> Json:
    hidden = () if call.flag("include_all_metadata") else ("metadata",)
    return {k: v for k, v in message.body.items() if k not in hidden}


@method("conversations.history", TIER_3, *_HISTORY)
async def conversations_history(call: Call) -> Json:
    """Root messages, newest first."""
    call.require("channel")
    channel = call.channel(member=True)
    roots = [m for m in channel.messages.values() if not m.is_reply or m.broadcast]
    found, metadata = page(call, sorted(_window(call, roots), key=lambda m: m.ts, reverse=True), maximum=999)
    more = bool(metadata["next_cursor"])
    answer: Json = {"messages": [_body(call, m) for m in found], "has_more": more, "pin_count": len(channel.pins)}
    return answer | ({"response_metadata": metadata} if more else {})


@method("conversations.replies", TIER_3, *_HISTORY)
async def conversations_replies(call: Call) -> Json:
    """A thread, root first; `ts` may be the root or a reply."""
    channel = call.channel(member=True)
    start = channel.messages.get(str(call.require("ts")))
    if start is None:
        raise SlackError("thread_not_found")
    root = start.thread_ts or start.ts
    thread = [m for m in channel.messages.values() if root in (m.ts, m.thread_ts)]
    window = [m for m in _window(call, thread) if m.ts != root]
    first = [channel.messages[root]] if root in channel.messages else []
    found, metadata = page(call, [*first, *sorted(window, key=lambda m: m.ts)], default=1000)
    more = bool(metadata["next_cursor"])
    answer: Json = {"messages": [_body(call, m) for m in found], "has_more": more}
    return answer | ({"response_metadata": metadata} if more else {})


@method("conversations.open", TIER_3, *_MANAGE)
async def conversations_open(call: Call) -> Json:
    """The direct message with one user."""
    if call.text("channel"):
        channel = call.channel()
    else:
        users = call.names("users")
        if not users:
            raise SlackError("users_list_not_supplied")
        if len(users) > 1:
            raise SlackError("method_not_supported_for_channel_type")
        if users[0] not in call.ws.state.users:
            raise SlackError("user_not_found")
        channel = call.ws.direct_message(users[0], call.app.bot_user_id)
    full = call.flag("return_im")
    return {"channel": channel_json(channel, call.app.bot_user_id) if full else {"id": channel.id}}


def join(call: Call, channel: Channel, user_id: str, inviter: str = "") -> None:
    """Add a member and raise member_joined_channel."""
    channel.members.append(user_id)
    call.ws.live.publish({"type": "channel", "channel": {"id": channel.id}}, channel.members)
    event = {"type": "member_joined_channel", "user": user_id, "channel": channel.id, "team": TEAM_ID}
    event |= {"channel_type": channel.id[0], "event_ts": call.ws.mint.next()}
    raise_in_channel(call.ws, channel, event | ({"inviter": inviter} if inviter else {}))


@method("conversations.join", TIER_3, "channels:join")
async def conversations_join(call: Call) -> Json:
    """The bot joins a public channel."""
    call.require("channel")
    channel = call.channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_im:
        raise SlackError("method_not_supported_for_channel_type")
    if call.app.bot_user_id in channel.members:
        call.warnings.append("already_in_channel")
    else:
        join(call, channel, call.app.bot_user_id)
    return {"channel": channel_json(channel, call.app.bot_user_id)}


@method("conversations.create", TIER_2, *_MANAGE)
async def conversations_create(call: Call) -> Json:
    """A new channel with the bot as its only member."""
    name = call.text("name")
    if not name:
        raise SlackError("invalid_name_required")
    if len(name) > 80:
        raise SlackError("invalid_name_maxlength")
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise SlackError("invalid_name_specials")
    if call.ws.state.channel_named(name):
        raise SlackError("name_taken")
    bot = call.app.bot_user_id
    private = call.flag("is_private")
    channel = Channel(new_id("C"), name, is_private=private, members=[bot], created=now_seconds(), creator=bot)
    call.ws.state.channels[channel.id] = channel
    call.ws.live.publish({"type": "channel", "channel": {"id": channel.id}})
    return {"channel": channel_json(channel, bot)}


@method("conversations.invite", TIER_3, *_MANAGE)
async def conversations_invite(call: Call) -> Json:
    """Adds people to a channel the bot is in."""
    channel = call.channel(member=True)
    users = call.names("users")
    if not users:
        raise SlackError("no_user")
    for user_id in users:
        if user_id not in call.ws.state.users:
            raise SlackError("user_not_found")
        if user_id in channel.members:
            raise SlackError("already_in_channel")
        join(call, channel, user_id, inviter=call.app.bot_user_id)
    return {"channel": channel_json(channel, call.app.bot_user_id)}


@method("conversations.setTopic", TIER_2, *_MANAGE)
async def conversations_set_topic(call: Call) -> Json:
    """Changes the topic, 250 characters at most."""
    channel = call.channel(member=True)
    if len(call.text("topic")) > 250:
        raise SlackError("too_long")
    channel.topic = call.text("topic")
    call.ws.live.publish({"type": "channel", "channel": {"id": channel.id}}, channel.members)
    return {"channel": channel_json(channel, call.app.bot_user_id)}
