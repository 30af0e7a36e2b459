"""chat.*Stream: a message that grows, as a state machine streaming -> stopped, expired or stopped_by_user."""

from typing import Any

from demo.slack import messages
from demo.slack.arguments import Call
from demo.slack.compose import MARKDOWN_MAX, identity, message_blocks, metadata
from demo.slack.errors import SlackError
from demo.slack.methods.registry import method
from demo.slack.rates import TIER_2, TIER_4
from demo.slack.sessions import STATUSES
from demo.slack.state import TEAM_ID, Channel, Json, Message, Stream
from demo.slack.stream_content import add_chunks, chunk_blocks, read_chunks, stream_blocks, stream_text

# Streams with body text were seen to die between 10.6 and 11.3 kB of UTF-8.
STREAM_BYTES = 10_600
MAX_CHUNK_BLOCKS = 50


@method("chat.startStream", TIER_2, "chat:write")
async def chat_start_stream(call: Call) -> Json:
    """Opens a stream as a reply in a thread."""
    call.require("channel")
    channel = call.writable_channel()
    call.require("thread_ts")
    thread_ts = call.thread(channel)
    _check_recipients(call, channel)
    chunks = _given_chunks(call)
    stream = Stream(call.ws.clock.now(), mode=call.text("task_display_mode", "timeline"))
    body = messages.app_body(call.app, "") | identity(call.app, call.args)
    message = Message(body, app_id=call.app.id, stream=stream)
    _take_in(message, chunks)
    messages.add(call.ws, channel, message, thread_ts)
    return {"channel": channel.id, "ts": message.ts}


def _check_recipients(call: Call, channel: Channel) -> None:
    if channel.is_im:
        return
    if not call.text("recipient_team_id"):
        raise SlackError("missing_recipient_team_id")
    if not call.text("recipient_user_id"):
        raise SlackError("missing_recipient_user_id")
    if call.text("recipient_team_id") != TEAM_ID:
        raise SlackError("team_not_found")
    if call.text("recipient_user_id") not in call.ws.state.users:
        raise SlackError("user_not_found")


def _given_chunks(call: Call) -> list[Json]:
    """Chunks of the call; plain markdown_text counts as one, both together are refused."""
    chunks = read_chunks(call.args.get("chunks"))
    markdown = call.text("markdown_text")
    if markdown and chunks:
        raise SlackError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_MAX:
        raise SlackError("msg_too_long")
    return [{"type": "markdown_text", "text": markdown}] if markdown else chunks


def _take_in(message: Message, chunks: list[Json]) -> None:
    stream = message.stream
    assert stream is not None
    size = stream.size + sum(len(c["text"].encode()) for c in chunks if c["type"] == "markdown_text")
    if size > STREAM_BYTES:
        raise SlackError("msg_too_long")
    if chunk_blocks(stream.parts) + chunk_blocks(chunks) > MAX_CHUNK_BLOCKS:
        raise SlackError("msg_blocks_too_many")
    stream.size = size
    add_chunks(stream, chunks)
    message.body["text"] = stream_text(stream)
    message.body["blocks"] = stream_blocks(stream)


def _running(call: Call) -> tuple[Channel, Message, Stream]:
    channel = call.channel()
    message = call.message(channel)
    if message.app_id != call.app.id:
        raise SlackError("message_not_owned_by_app")
    call.ws.expire_stream(message)
    stream = message.stream
    if stream and stream.state == "stopped_by_user":
        raise SlackError("stopped_by_user")
    if stream is None or stream.state != "streaming":
        raise SlackError("message_not_in_streaming_state")
    return channel, message, stream


@method("chat.appendStream", TIER_4, "chat:write")
async def chat_append_stream(call: Call) -> Json:
    """Adds text, tasks or blocks to a running stream."""
    channel, message, _ = _running(call)
    if "chunks" not in call.args and not call.text("markdown_text"):
        raise SlackError("no_text")
    _take_in(message, _given_chunks(call))
    _show(call, channel, message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.stopStream", TIER_2, "chat:write")
async def chat_stop_stream(call: Call) -> Json:
    """Ends a stream with its last chunks and closing blocks; may set the session's status."""
    channel = call.channel()
    stopped = channel.messages.get(call.text("ts"))
    if stopped and stopped.stream and stopped.stream.state == "stopped_by_user" and stopped.app_id == call.app.id:
        # The user's stop ended the stream; the app's own stop is still taken, but its text is not.
        _set_session(call, channel, stopped)
        return {"channel": channel.id, "ts": stopped.ts, "message": stopped.body}
    channel, message, stream = _running(call)
    closing = message_blocks(call.args["blocks"]) if call.args.get("blocks") else []
    given = metadata(call.args["metadata"]) if call.args.get("metadata") else None
    _take_in(message, _given_chunks(call))
    stream.state = "stopped"
    message.body["blocks"] = [*message.body["blocks"], *closing]
    if given:
        message.body["metadata"] = given
    _show(call, channel, message)
    messages.raise_message(
        call.ws,
        channel,
        {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "ts": call.ws.mint.next(),
            "message": dict(message.body),
            "previous_message": dict(message.body),
        },
    )
    _set_session(call, channel, message)
    return {"channel": channel.id, "ts": message.ts, "message": message.body}


def _set_session(call: Call, channel: Channel, message: Message) -> None:
    status = call.text("session_status")
    if not status:
        return
    if status not in STATUSES:
        raise SlackError("invalid_arguments", response_metadata={"messages": [_bad_status(status)]})
    call.ws.sessions.set_status(channel, message.thread_ts or message.ts, call.app.id, status, None)


def _bad_status(status: Any) -> str:
    return f"[ERROR] must be one of [{', '.join(STATUSES)}] [json-pointer:/session_status] ({status})"


def _show(call: Call, channel: Channel, message: Message) -> None:
    frame = {"type": "stream", "channel": channel.id, "message": messages.shown(call.ws, message)}
    call.ws.live.publish(frame, channel.members)
