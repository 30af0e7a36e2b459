"""response_urls: five answers within thirty minutes, and the only way to alter an ephemeral."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.slack import messages
from demo.slack.compose import content
from demo.slack.errors import SlackError
from demo.slack.state import App, Channel, Json, Message

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

USES, LIFETIME = 5, 1800.0


@dataclass
class ResponseUrl:
    """What one response_url may still do, and where."""

    app: App
    channel: Channel
    user_id: str
    source: Message | None
    expires: float
    left: int = USES


class ResponseUrls:
    """Issues response_urls and carries out what is posted to them."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, app: App, channel: Channel, user_id: str, source: Message | None = None) -> str:
        """A new address; `source` is the message that was clicked."""
        key = secrets.token_urlsafe(18)
        expires = self._ws.clock.now() + LIFETIME
        self._issued[key] = ResponseUrl(app, channel, user_id, source, expires)
        return f"{self._ws.base_url}/response/{key}"

    def answer(self, key: str, body: Json) -> tuple[int, Json]:
        """Carry out one answer; gives the HTTP status and JSON of the reply."""
        url = self._issued.get(key)
        if url is None or self._ws.clock.now() > url.expires:
            return 404, {"ok": False, "error": "expired_url"}
        if url.left == 0:
            return 404, {"ok": False, "error": "used_url"}
        try:
            self.respond(url.app, url.channel, url.user_id, url.source, body)
        except SlackError as error:
            return (404 if error.code == "message_not_found" else 400), {
                "ok": False,
                "error": error.code,
                **error.extra,
            }
        url.left -= 1
        return 200, {"ok": True}

    def respond(self, app: App, channel: Channel, user_id: str, source: Message | None, body: Json) -> None:
        """Post, replace or delete as the answer says; raises SlackError when its content is malformed."""
        if body.get("delete_original"):
            self._delete(channel, source)
            return
        fields = content(body)
        if body.get("replace_original") and source is not None:
            self._replace(channel, source, fields, app)
            return
        message_body = messages.app_body(app, "") | fields
        thread_ts = body.get("thread_ts")
        if body.get("response_type") == "in_channel":
            messages.add(self._ws, channel, Message(message_body, app_id=app.id), thread_ts)
            return
        if thread_ts:
            message_body["thread_ts"] = thread_ts
        messages.add_ephemeral(self._ws, channel, message_body, user_id, app.id)

    def _delete(self, channel: Channel, source: Message | None) -> None:
        if source in channel.ephemerals:
            messages.delete_ephemeral(self._ws, channel, source)
        elif source and source.ts in channel.messages:
            messages.delete(self._ws, channel, source)
        else:
            raise SlackError("message_not_found")

    def _replace(self, channel: Channel, source: Message, fields: Json, app: App) -> None:
        changes = {"blocks": None, "attachments": None, **fields}
        if source in channel.ephemerals:
            messages.replace_ephemeral(self._ws, channel, source, {k: v or [] for k, v in changes.items()})
        elif source.ts in channel.messages:
            messages.edit(self._ws, channel, source, changes, app.bot_user_id)
        else:
            raise SlackError("message_not_found")
