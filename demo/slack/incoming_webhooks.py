"""Incoming webhooks: /services/T/B/key posts as an integration and answers `ok`."""

import json
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from demo.slack import messages
from demo.slack.compose import content
from demo.slack.errors import SlackError
from demo.slack.seed import outside_bot
from demo.slack.state import Json, Message

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


async def accept_webhook(ws: "Workspace", request: Request) -> Response:
    """Post the payload (JSON body or form field `payload`); the channel is its own or #incidents."""
    body = await _payload(request)
    if body is None:
        return PlainTextResponse("invalid_payload", 400)
    channel = ws.state.channel_named(str(body.get("channel", "incidents")).removeprefix("#"))
    channel = channel or ws.state.channels.get(str(body.get("channel", "")))
    if channel is None:
        return PlainTextResponse("channel_not_found", 404)
    try:
        fields = content(body)
    except SlackError as error:
        return PlainTextResponse(error.code, 400)
    bot = outside_bot(ws.state, str(body.get("username") or "incoming-webhook"))
    message = Message(messages.outside_body(bot, "", webhook=True) | fields, app_id=bot.app_id)
    messages.add(ws, channel, message, body.get("thread_ts"))
    return PlainTextResponse("ok")


async def _payload(request: Request) -> Json | None:
    raw: Any = await request.body()
    if "form" in request.headers.get("content-type", ""):
        async with request.form() as form:
            raw = form.get("payload", "")
    try:
        body: Any = json.loads(raw)
    except (ValueError, TypeError):
        return None
    return body if isinstance(body, dict) else None
