"""What can be looked at: the page's state, history, deliveries, calls, views and a transcript."""

import asyncio
import copy
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from demo.slack.control.access import acting_user, any_channel, channel_for, need, visible
from demo.slack.errors import ControlError
from demo.slack.messages import shown
from demo.slack.objects import app_card, session_json, team_json
from demo.slack.state import Channel, Json, Message, User

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


async def read_state(ws: "Workspace", query: Json) -> Json:
    """GET /control/state."""
    me = acting_user(ws, query)
    channels = [c for c in ws.state.channels.values() if visible(c, me)]
    return {
        "team": team_json(),
        "me": user_card(me),
        "users": [user_card(u) for u in ws.state.users.values()],
        "channels": [channel_card(c, me.id) for c in channels],
        "usergroups": list(ws.state.usergroups.values()),
        "apps": [app_card(ws.state, a, connected(ws, a.id)) for a in ws.state.apps.values()],
        "sessions": [
            {"channel": c, "thread_ts": t, **session_json(s)}
            for (c, t), s in ws.state.sessions.items()
            if visible(ws.state.channels[c], me)
        ],
        "prompts": [{"channel": c, "thread_ts": t, "prompts": p} for (c, t), p in ws.state.prompts.items()],
    }


def connected(ws: "Workspace", app_id: str) -> bool:
    """Whether events can reach the app now (an HTTP app is taken at its word)."""
    return ws.sockets.connected(app_id) or bool(ws.state.apps[app_id].request_url)


def user_card(user: User) -> Json:
    """A person in /control/state."""
    fields = ("id", "name", "real_name", "title", "is_bot", "is_restricted", "color")
    return {k: getattr(user, k) for k in fields} | ({"app_id": user.app_id} if user.app_id else {})


def channel_card(channel: Channel, viewer: str) -> Json:
    """A channel in /control/state."""
    latest = max((m.ts for m in channel.messages.values()), default=None)
    card: Json = {"id": channel.id, "name": channel.name, "is_im": channel.is_im, "topic": channel.topic}
    card |= {"member": viewer in channel.members, "latest_ts": latest, "is_archived": channel.is_archived}
    return card | ({"im_user": channel.other_member(viewer)} if channel.is_im else {})


async def read_history(ws: "Workspace", query: Json) -> Json:
    """GET /control/history."""
    me = acting_user(ws, query)
    channel = channel_for(ws, me, need(query, "channel"))
    thread_ts = query.get("thread_ts")
    found = list(messages_seen(channel, me.id, thread_ts))
    answer: Json = {"channel": channel.id, "messages": [shown(ws, m) for m in found]}
    session = ws.state.sessions.get((channel.id, thread_ts or ""))
    return answer | ({"session": session_json(session)} if session else {})


def messages_seen(channel: Channel, viewer: str, thread_ts: str | None) -> Iterator[Message]:
    """What one viewer sees of a channel (roots, broadcasts) or of one thread, oldest first."""
    everything = [*channel.messages.values(), *(m for m in channel.ephemerals if m.viewer == viewer)]
    for message in sorted(everything, key=lambda m: m.ts):
        in_thread = thread_ts in (message.ts, message.thread_ts)
        if in_thread if thread_ts else (not message.is_reply or message.broadcast):
            yield message


async def wait_for_message(ws: "Workspace", query: Json) -> Json:
    """GET /control/wait: the first message that contains the text, now or within the timeout (seconds)."""
    channel_id, wanted = need(query, "channel"), str(query.get("contains", ""))
    deadline = time.monotonic() + float(query.get("timeout", 10))
    while True:
        change = ws.live.next_change()
        found = _find(ws, channel_id, wanted, query)
        if found:
            return {"message": shown(ws, found)}
        try:
            await asyncio.wait_for(change.wait(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            detail = f"No message with {wanted!r} appeared in {channel_id}."
            raise ControlError("timeout", detail, 408) from None


def _find(ws: "Workspace", channel_id: str, wanted: str, query: Json) -> Message | None:
    if channel_id in ws.state.users:
        channel = ws.direct_message(query.get("as") or "U0WATCH", channel_id)
    else:
        channel = any_channel(ws, channel_id)
    mine = [m for m in channel.ephemerals if m.viewer == query.get("as")]
    after, thread_ts = query.get("after", ""), query.get("thread_ts")
    for message in sorted([*channel.messages.values(), *mine], key=lambda m: m.ts):
        newest = max(message.ts, message.body.get("edited", {}).get("ts", ""))
        in_scope = newest > after and (not thread_ts or thread_ts in (message.ts, message.thread_ts))
        if in_scope and wanted in "\n".join(texts_of(message.body)):
            return message
    return None


def texts_of(body: Json) -> Iterator[str]:
    """Every text of a message: its own, its blocks', its attachments' and its files' names."""
    for key in ("text", "blocks", "attachments", "files"):
        yield from _strings(body.get(key))


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("type", "block_id", "action_id", "bot_profile"):
                yield from _strings(value)
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item)


async def read_calls(ws: "Workspace", query: Json) -> Json:
    """GET /control/calls."""
    since, method = int(query.get("since", 0)), query.get("method")
    return {"calls": [c for c in ws.calls if c["n"] > since and method in (None, c["method"])]}


async def read_deliveries(ws: "Workspace", query: Json) -> Json:
    """GET /control/deliveries."""
    return {"deliveries": [d.to_json() for d in ws.deliveries.log]}


async def read_views(ws: "Workspace", query: Json) -> Json:
    """GET /control/view: the modal stack (top last) and Home tabs of a user."""
    me = acting_user(ws, query)
    homes = {app_id: view.body for (app_id, user_id), view in ws.state.homes.items() if user_id == me.id}
    return {"views": [v.body for v in ws.state.modals.get(me.id, [])], "homes": homes}


async def read_panels(ws: "Workspace", query: Json) -> Json:
    """GET /control/panels."""
    return {"panels": ws.panels}


async def read_transcript(ws: "Workspace", query: Json) -> Json | str:
    """GET /control/transcript: everything said, as JSON or as Markdown to read."""
    if query.get("format") == "md":
        return "\n".join(_transcript_lines(ws))
    channels = {
        c.id: [copy.deepcopy(m.body) for m in sorted(c.messages.values(), key=lambda m: m.ts)]
        for c in ws.state.channels.values()
    }
    return {"channels": channels}


def _transcript_lines(ws: "Workspace") -> Iterator[str]:
    for channel in ws.state.channels.values():
        if not channel.messages:
            continue
        yield f"## {'#' + channel.name if channel.name else 'Direct message ' + channel.id}\n"
        roots = [m for m in channel.messages.values() if not m.is_reply]
        for root in sorted(roots, key=lambda m: m.ts):
            for message in messages_seen(channel, "", root.ts):
                yield _line(ws, message)
        yield ""


def _line(ws: "Workspace", message: Message) -> str:
    body = message.body
    user = ws.state.users.get(body.get("user", ""))
    sender = user.real_name if user else body.get("username", "unknown")
    clock = time.strftime("%H:%M:%S", time.gmtime(float(message.ts)))
    said = " / ".join(dict.fromkeys(t for t in texts_of(body) if t.strip()))[:2000]
    return f"{'  ' if message.is_reply else ''}- {clock} **{sender}**: {said}"
