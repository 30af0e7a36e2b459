"""Reads the arguments of a Web API call from wherever an SDK put them."""

import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from demo.slack.errors import SlackError, missing_field
from demo.slack.state import Channel, Json, Message

if TYPE_CHECKING:
    from demo.slack.state import App
    from demo.slack.workspace import Workspace

# Structured arguments that form senders (Node, and Python's query strings) encode as JSON text.
_ENCODED = (
    *("blocks", "attachments", "view", "metadata", "chunks", "prompts", "loading_messages"),
    *("files", "outputs", "unfurls", "message", "commands"),
)


async def read_arguments(request: Request) -> tuple[Json, list[str]]:
    """Query string and body merged (the body wins), structures decoded, and the warnings Slack would give."""
    arguments: Json = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    warnings: list[str] = []
    if "json" in content_type:
        raw = await request.body()
        if "charset" not in content_type:
            warnings.append("missing_charset")
        try:
            body: Any = json.loads(raw) if raw else {}
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        arguments |= body
    elif "form" in content_type:
        async with request.form() as form:
            arguments |= {k: v for k, v in form.items() if isinstance(v, str)}
    return {k: _decoded(k, v) for k, v in arguments.items() if v is not None}, warnings


def _decoded(name: str, value: Any) -> Any:
    if name not in _ENCODED or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


class Call:
    """One Web API call: who calls, with which arguments."""

    def __init__(self, ws: "Workspace", app: "App", args: Json, base_url: str) -> None:
        self.ws = ws
        self.app = app
        self.args = args
        self.base_url = base_url
        self.warnings: list[str] = []

    def require(self, name: str) -> Any:
        """A required argument; raises invalid_arguments when it is missing."""
        value = self.args.get(name)
        if value in (None, ""):
            raise missing_field(name)
        return value

    def text(self, name: str, default: str = "") -> str:
        """An optional string."""
        return str(self.args.get(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, also when sent as 1, 0, true or false in text."""
        value = self.args.get(name, default)
        return value.lower() in ("1", "true") if isinstance(value, str) else bool(value)

    def number(self, name: str, default: int) -> int:
        """An optional whole number; raises invalid_arguments."""
        try:
            return int(self.args.get(name) or default)
        except (TypeError, ValueError):
            message = f"[ERROR] must be a number [json-pointer:/{name}]"
            raise SlackError("invalid_arguments", response_metadata={"messages": [message]}) from None

    def names(self, name: str) -> list[str]:
        """A list given as JSON array or comma-separated text."""
        value = self.args.get(name) or []
        if isinstance(value, str):
            value = json.loads(value) if value.startswith("[") else value.split(",")
        return [str(v).strip() for v in value if str(v).strip()]

    def channel(self, name: str = "channel", member: bool = False, open_dm: bool = False) -> Channel:
        """The conversation an argument names, if the app may know it; `member` insists on the bot being in it.

        `open_dm` lets a user id stand for the direct message. Raises channel_not_found or not_in_channel.
        """
        wanted = str(self.args.get(name) or "")
        state = self.ws.state
        if open_dm and wanted in state.users and wanted != self.app.bot_user_id:
            return self.ws.direct_message(wanted, self.app.bot_user_id)
        channel = state.channels.get(wanted) or state.channel_named(wanted.removeprefix("#"))
        if channel is None:
            raise SlackError("channel_not_found")
        if self.app.bot_user_id not in channel.members:
            if channel.is_im or channel.is_private:
                raise SlackError("channel_not_found")
            if member:
                raise SlackError("not_in_channel")
        return channel

    def writable_channel(self) -> Channel:
        """A channel the app may post to; raises channel_not_found, not_in_channel or is_archived."""
        public = "chat:write.public" in self.app.scopes
        channel = self.channel(member=not public, open_dm=True)
        if channel.is_archived:
            raise SlackError("is_archived")
        return channel

    def message(self, channel: Channel, name: str = "ts") -> Message:
        """A message of the channel; raises message_not_found."""
        message = channel.messages.get(str(self.require(name)))
        if message is None:
            raise SlackError("message_not_found")
        return message

    def thread(self, channel: Channel) -> str | None:
        """`thread_ts` if given; raises thread_not_found when the channel knows no such thread."""
        thread_ts = self.text("thread_ts") or None
        known = thread_ts is None or any(thread_ts in (m.ts, m.thread_ts) for m in channel.messages.values())
        if not known:
            raise SlackError("thread_not_found")
        return thread_ts
