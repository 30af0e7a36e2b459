"""files.*: upload in two steps, information, deletion."""

from typing import Any

from demo.slack import messages
from demo.slack.arguments import Call
from demo.slack.compose import message_blocks
from demo.slack.errors import SlackError
from demo.slack.events import raise_in_channel
from demo.slack.ids import new_id
from demo.slack.methods.registry import method
from demo.slack.objects import file_json, now_seconds
from demo.slack.rates import TIER_3, TIER_4
from demo.slack.state import Channel, File, Json, Message
from demo.slack.uploads import upload_secret


@method("files.getUploadURLExternal", TIER_4, "files:write")
async def files_get_upload_url_external(call: Call) -> Json:
    """Where to send the bytes of a file of `length` bytes."""
    name, length = str(call.require("filename")), call.number("length", 0)
    if length < 1:
        raise SlackError("missing_argument")
    if len(call.text("alt_txt")) > 1000:
        raise SlackError("alt_txt_too_large")
    file = File(new_id("F"), name, length, call.app.bot_user_id, call.app.id, alt_txt=call.text("alt_txt"))
    file.created = now_seconds()
    call.ws.state.files[file.id] = file
    url = f"{call.base_url}/files-upload/{file.id}/{upload_secret(file.id)}"
    return {"upload_url": url, "file_id": file.id}


@method("files.completeUploadExternal", TIER_4, "files:write")
async def files_complete_upload_external(call: Call) -> Json:
    """Makes uploaded files visible, in a message if a channel is named."""
    given = call.require("files")
    if not isinstance(given, list) or not all(isinstance(f, dict) and f.get("id") for f in given):
        raise SlackError("invalid_arguments", response_metadata={"messages": ["[ERROR] invalid files"]})
    files = [_uploaded(call, spec) for spec in given]
    blocks = message_blocks(call.args["blocks"]) if call.args.get("blocks") else []
    channels = [_channel(call, c) for c in [call.text("channel_id"), *call.names("channels")] if c]
    threads = [call.thread(c) for c in channels]
    for file in files:
        file.completed = True
    for channel, thread_ts in zip(channels, threads, strict=True):
        _share(call, channel, thread_ts, files, blocks)
    return {"files": [file_json(f, call.ws.base_url) for f in files]}


def _uploaded(call: Call, spec: Json) -> File:
    file = call.ws.state.files.get(spec["id"])
    if file is None or file.app_id != call.app.id or file.content is None or file.completed:
        raise SlackError("file_not_found")
    file.title = str(spec.get("title") or file.name)
    file.alt_txt = str(spec.get("alt_txt") or file.alt_txt)
    return file


def _channel(call: Call, channel_id: str) -> Channel:
    call.args["channel"] = channel_id
    return call.channel(member=True, open_dm=True)


def _share(call: Call, channel: Channel, thread_ts: str | None, files: list[File], blocks: list[Any]) -> None:
    body = messages.app_body(call.app, call.text("initial_comment"))
    body |= {"upload": True, "display_as_bot": False}
    for file in files:
        file.shares.append((channel.id, ""))
    body["files"] = [file_json(f, call.ws.base_url) for f in files]
    if blocks:
        body["blocks"] = blocks
    body["subtype"] = "file_share"
    message = messages.add(call.ws, channel, Message(body, app_id=call.app.id), thread_ts)
    for file in files:
        file.shares[-1] = (channel.id, message.ts)
        event = {"type": "file_shared", "file_id": file.id, "user_id": call.app.bot_user_id, "file": {"id": file.id}}
        event |= {"channel_id": channel.id, "event_ts": call.ws.mint.next()}
        raise_in_channel(call.ws, channel, event)


@method("files.info", TIER_4, "files:read")
async def files_info(call: Call) -> Json:
    """A completed file."""
    file = call.ws.state.files.get(str(call.require("file")))
    if file is None or not file.completed:
        raise SlackError("file_not_found")
    shared: Json = {}
    for channel_id, ts in file.shares:
        shared.setdefault(channel_id, []).append({"ts": ts})
    shown = file_json(file, call.ws.base_url) | ({"shares": {"public": shared}} if shared else {})
    return {"file": shown}


@method("files.delete", TIER_3, "files:write")
async def files_delete(call: Call) -> None:
    """Removes a file of the same app."""
    file = call.ws.state.files.get(str(call.require("file")))
    if file is None:
        raise SlackError("file_not_found")
    if file.app_id != call.app.id:
        raise SlackError("cant_delete_file")
    del call.ws.state.files[file.id]
