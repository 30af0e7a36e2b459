"""Checks what an app wants to say and turns it into the fields of a message."""

import copy
import json
from typing import Any

from demo.slack.blocks import assign_ids, check_blocks, text_length
from demo.slack.errors import SlackError
from demo.slack.state import App, Json
from demo.slack.text import text_of_blocks

TEXT_CUT = 40_000
UPDATE_TEXT_MAX = 4_000
MARKDOWN_MAX = 12_000
BLOCK_TEXT_BUDGET = 13_000
MAX_ATTACHMENTS = 100
METADATA_BYTES = 8_000
_COLORS = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}


def content(args: Json, required: bool = True, text_max: int | None = None) -> Json:
    """text, blocks, attachments and metadata of a message from call arguments; raises SlackError as Slack does.

    `required` refuses an empty message with no_text; text over `text_max` characters is msg_too_long.
    """
    markdown = args.get("markdown_text")
    if markdown and (args.get("text") or args.get("blocks")):
        raise SlackError("markdown_text_conflict")
    result: Json = {}
    if markdown:
        if len(str(markdown)) > MARKDOWN_MAX:
            raise SlackError("msg_too_long")
        result["blocks"] = assign_ids([{"type": "markdown", "text": str(markdown)}])
    if "blocks" in args and args["blocks"] not in (None, ""):
        result["blocks"] = message_blocks(args["blocks"])
    if args.get("attachments"):
        result["attachments"] = attachments(args["attachments"])
    text = str(args.get("text") or markdown or "")
    if required and not (text or result.get("blocks") or result.get("attachments")):
        raise SlackError("no_text")
    if text_max and len(text) > text_max:
        raise SlackError("msg_too_long")
    if text or "text" in args or result.get("blocks"):
        result["text"] = (text or text_of_blocks(result.get("blocks", [])))[:TEXT_CUT]
    if args.get("metadata"):
        result["metadata"] = metadata(args["metadata"])
    return result


def message_blocks(blocks: Any, pointer: str = "/blocks") -> list[Json]:
    """Validated blocks with ids; raises invalid_blocks_format, invalid_blocks or msg_blocks_too_long."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    problems = check_blocks(blocks, "message", pointer)
    if problems:
        raise refused("invalid_blocks", problems)
    if text_length(blocks) > BLOCK_TEXT_BUDGET:
        raise SlackError("msg_blocks_too_long")
    return assign_ids(blocks)


def refused(code: str, problems: list[str]) -> SlackError:
    """The refusal Slack sends for malformed blocks and views."""
    return SlackError(
        code, errors=problems, response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]}
    )


def attachments(value: Any) -> list[Json]:
    """Attachments as Slack stores them: numbered, with a fallback, colours as six hex digits."""
    if not isinstance(value, list) or not all(isinstance(a, dict) for a in value):
        raise SlackError("invalid_attachments")
    if len(value) > MAX_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    result: list[Json] = []
    for number, attachment in enumerate(copy.deepcopy(value), start=1):
        if "blocks" in attachment:
            attachment["blocks"] = message_blocks(attachment["blocks"], f"/attachments/{number - 1}/blocks")
        if "color" in attachment:
            color = str(attachment["color"])
            attachment["color"] = _COLORS.get(color, color.removeprefix("#"))
        default = attachment.get("title") or attachment.get("text") or "[no preview available]"
        attachment.setdefault("fallback", default)
        attachment["id"] = number
        result.append(attachment)
    return result


def metadata(value: Any) -> Json:
    """Message metadata; raises invalid_metadata_format or metadata_too_large."""
    entities = value.get("entities") if isinstance(value, dict) else None
    if entities:
        return value
    if not isinstance(value, dict) or not isinstance(value.get("event_payload", {}), dict):
        raise SlackError("invalid_metadata_format")
    if not value.get("event_type"):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(value).encode()) > METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return {"event_type": value["event_type"], "event_payload": value.get("event_payload", {})}


def identity(app: App, args: Json) -> Json:
    """Fields of a customised sender; needs chat:write.customize."""
    given = {k: args[k] for k in ("username", "icon_emoji", "icon_url") if args.get(k)}
    if not given:
        return {}
    if "chat:write.customize" not in app.scopes:
        raise SlackError("missing_scope", needed="chat:write.customize", provided=",".join(app.scopes))
    result: Json = {"username": given["username"], "subtype": "bot_message"} if "username" in given else {}
    if "icon_emoji" in given:
        result["icons"] = {"emoji": given["icon_emoji"]}
    elif "icon_url" in given:
        result["icons"] = {"image_64": given["icon_url"]}
    return result
