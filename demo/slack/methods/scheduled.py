"""Scheduled messages."""

from demo.slack import messages
from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.ids import new_id
from demo.slack.methods.chat import compose_message
from demo.slack.methods.registry import method
from demo.slack.rates import TIER_3
from demo.slack.state import Channel, Json, Message

_FARTHEST = 120 * 86_400


@method("chat.scheduleMessage", TIER_3, "chat:write")
async def chat_schedule_message(call: Call) -> Json:
    """Posts at `post_at` epoch seconds (of the workspace's clock)."""
    channel = call.writable_channel()
    message = compose_message(call)
    wait = call.number("post_at", 0) - call.ws.clock.now()
    if wait < 0 or wait > _FARTHEST:
        raise SlackError("time_in_past" if wait < 0 else "time_too_far")
    scheduled_id = new_id("Q")
    post_at, thread_ts = call.number("post_at", 0), call.text("thread_ts") or None
    call.ws.state.scheduled[scheduled_id] = {
        "id": scheduled_id,
        "channel_id": channel.id,
        "post_at": post_at,
        "date_created": int(call.ws.clock.now()),
        "text": message.body["text"],
    }
    call.ws.spawn(_post_later(call, channel, message, scheduled_id, wait, thread_ts))
    shown = dict(message.body)
    return {"channel": channel.id, "scheduled_message_id": scheduled_id, "post_at": post_at, "message": shown}


async def _post_later(
    call: Call, channel: Channel, message: Message, scheduled_id: str, wait: float, thread_ts: str | None
) -> None:
    await call.ws.clock.sleep(wait)
    if call.ws.state.scheduled.pop(scheduled_id, None):
        messages.add(call.ws, channel, message, thread_ts)


@method("chat.deleteScheduledMessage", TIER_3, "chat:write")
async def chat_delete_scheduled_message(call: Call) -> None:
    """Withdraws a scheduled message."""
    if call.ws.state.scheduled.pop(call.text("scheduled_message_id"), None) is None:
        raise SlackError("invalid_scheduled_message_id")


@method("chat.scheduledMessages.list", TIER_3)
async def chat_scheduled_messages_list(call: Call) -> Json:
    """What is still to be posted."""
    waiting = [m for m in call.ws.state.scheduled.values() if call.text("channel") in ("", m["channel_id"])]
    return {"scheduled_messages": waiting, "response_metadata": {"next_cursor": ""}}
