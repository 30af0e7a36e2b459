"""assistant.threads.* and agents.sessions.*: status line, title, prompts and the session's state."""

from typing import Any

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.messages import root_ts
from demo.slack.methods.registry import method
from demo.slack.rates import SPECIAL, TIER_3, TIER_4
from demo.slack.sessions import STATUSES
from demo.slack.state import Channel


def _thread(call: Call) -> tuple[Channel, str]:
    call.require("channel_id")
    channel = call.channel("channel_id", member=True, open_dm=True)
    thread_ts = str(call.require("thread_ts"))
    if thread_ts not in channel.messages:
        raise SlackError("invalid_thread_ts")
    return channel, root_ts(channel, thread_ts)


def _bad(message: str) -> SlackError:
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}"]})


@method("assistant.threads.setStatus", SPECIAL, "chat:write", "assistant:write")
async def assistant_threads_set_status(call: Call) -> None:
    """Shows "<app> <status>" under the thread; an empty status clears it."""
    channel, thread_ts = _thread(call)
    loading: Any = call.args.get("loading_messages") or []
    if not isinstance(loading, list) or len(loading) > 10:
        raise _bad("no more than 10 items allowed [json-pointer:/loading_messages]")
    if "status" not in call.args:
        raise _bad("missing required field: status")
    call.ws.sessions.set_loading(channel, thread_ts, call.app.id, call.text("status"))


@method("assistant.threads.setTitle", TIER_4, "assistant:write")
async def assistant_threads_set_title(call: Call) -> None:
    """Names the thread."""
    title = str(call.require("title"))
    channel, thread_ts = _thread(call)
    call.ws.sessions.set_title(channel, thread_ts, call.app.id, title)


@method("assistant.threads.setSuggestedPrompts", TIER_4, "assistant:write")
async def assistant_threads_set_suggested_prompts(call: Call) -> None:
    """Offers prompts, in a thread or at the top of the Messages tab."""
    call.require("channel_id")
    channel = call.channel("channel_id", member=True, open_dm=True)
    prompts: Any = call.require("prompts")
    if not isinstance(prompts, list) or not prompts or len(prompts) > 4:
        raise _bad("between 1 and 4 items allowed [json-pointer:/prompts]")
    shown = [{"title": p, "message": p} if isinstance(p, str) else p for p in prompts]
    if not all(isinstance(p, dict) and p.get("title") and p.get("message") for p in shown):
        raise _bad("missing required field: message [json-pointer:/prompts]")
    thread_ts = call.text("thread_ts")
    call.ws.state.prompts[channel.id, thread_ts] = shown
    frame = {"type": "prompts", "channel": channel.id, "thread_ts": thread_ts, "prompts": shown}
    call.ws.live.publish(frame, channel.members)


@method("agents.sessions.setStatus", TIER_3, "chat:write", "assistant:write")
async def agents_sessions_set_status(call: Call) -> None:
    """Moves the session to active, processing, suspended or closed."""
    status = str(call.require("status"))
    if status not in STATUSES:
        raise _bad(f"must be one of [{', '.join(STATUSES)}] [json-pointer:/status]")
    title = call.text("title") or None
    if title and len(title) > 200:
        raise _bad("must be less than 201 characters [json-pointer:/title]")
    channel, thread_ts = _thread(call)
    call.ws.sessions.set_status(channel, thread_ts, call.app.id, status, title)


@method("agents.sessions.rename", TIER_3, "chat:write", "assistant:write")
async def agents_sessions_rename(call: Call) -> None:
    """Renames the session."""
    title = str(call.require("title"))
    channel, thread_ts = _thread(call)
    call.ws.sessions.set_title(channel, thread_ts, call.app.id, title)
