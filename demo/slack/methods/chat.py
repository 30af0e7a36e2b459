"""chat.*: posting, updating, deleting, ephemerals, links and unfurls."""

from demo.slack import messages
from demo.slack.arguments import Call
from demo.slack.compose import TEXT_CUT, UPDATE_TEXT_MAX, content, identity
from demo.slack.errors import SlackError
from demo.slack.methods.registry import method
from demo.slack.rates import SPECIAL, TIER_3, TIER_4
from demo.slack.state import Channel, Json, Message


def compose_message(call: Call) -> Message:
    """The message a posting call describes, not yet in any channel."""
    body = messages.app_body(call.app, "") | content(call.args) | identity(call.app, call.args)
    if len(call.text("text")) > TEXT_CUT:
        call.warnings.append("message_truncated")
    return Message(body, app_id=call.app.id, broadcast=call.flag("reply_broadcast"))


@method("chat.postMessage", SPECIAL, "chat:write")
async def chat_post_message(call: Call) -> Json:
    """Posts to a channel, thread or direct message."""
    call.require("channel")
    channel = call.writable_channel()
    thread_ts = call.thread(channel)
    message = messages.add(call.ws, channel, compose_message(call), thread_ts)
    return {"channel": channel.id, "ts": message.ts, "message": message.body}


@method("chat.update", TIER_3, "chat:write")
async def chat_update(call: Call) -> Json:
    """Changes a message of the same app; blocks and attachments that are not given stay."""
    channel = call.channel()
    message = call.message(channel)
    if message.app_id != call.app.id:
        raise SlackError("cant_update_message")
    if message.stream and message.stream.state == "streaming":
        call.ws.expire_stream(message)
        if message.stream.state == "streaming":
            raise SlackError("streaming_state_conflict")
    changes = content(call.args, text_max=UPDATE_TEXT_MAX)
    for key in ("blocks", "attachments"):
        if key in call.args and not changes.get(key):
            changes[key] = None
    message.stream = None
    messages.edit(call.ws, channel, message, changes, call.app.bot_user_id)
    shown = {k: v for k, v in message.body.items() if k != "ts"}
    return {"channel": channel.id, "ts": message.ts, "text": message.body["text"], "message": shown}


@method("chat.delete", TIER_3, "chat:write")
async def chat_delete(call: Call) -> Json:
    """Deletes a message of the same app."""
    channel = call.channel()
    message = call.message(channel)
    if message.app_id != call.app.id:
        raise SlackError("cant_delete_message")
    messages.delete(call.ws, channel, message)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.postEphemeral", TIER_4, "chat:write")
async def chat_post_ephemeral(call: Call) -> Json:
    """Shows a message to one member of the channel."""
    channel = call.channel(member=True, open_dm=True)
    user = call.require("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    body = messages.app_body(call.app, "") | content(call.args, text_max=TEXT_CUT) | identity(call.app, call.args)
    if call.text("thread_ts"):
        body["thread_ts"] = messages.root_ts(channel, call.text("thread_ts"))
    return {"message_ts": messages.add_ephemeral(call.ws, channel, body, user, call.app.id).ts}


@method("chat.getPermalink", SPECIAL)
async def chat_get_permalink(call: Call) -> Json:
    """The address of a message; it opens the local page."""
    channel = call.channel()
    message = call.message(channel, "message_ts")
    return {"channel": channel.id, "permalink": permalink(call, channel, message)}


def permalink(call: Call, channel: Channel, message: Message) -> str:
    """`/archives/<channel>/p<ts without dot>`, with the thread if it is a reply."""
    link = f"{call.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return f"{link}?thread_ts={message.thread_ts}&cid={channel.id}" if message.is_reply else link


@method("chat.unfurl", TIER_3, "links:write")
async def chat_unfurl(call: Call) -> Json:
    """Attaches previews to the links of a message."""
    if "unfurls" not in call.args and "metadata" not in call.args:
        raise SlackError("missing_unfurls")
    if call.text("unfurl_id"):
        return {}
    channel = call.channel()
    message = channel.messages.get(call.text("ts"))
    if message is None:
        raise SlackError("cannot_find_message")
    unfurls = call.args.get("unfurls", {})
    if not isinstance(unfurls, dict):
        raise SlackError("invalid_unfurls_format")
    previews = [{"from_url": url, **preview} for url, preview in unfurls.items()]
    numbered = content({"attachments": [*message.body.get("attachments", []), *previews]})["attachments"]
    messages.edit(call.ws, channel, message, {"attachments": numbered}, None)
    return {}


__all__ = ["compose_message", "permalink"]
