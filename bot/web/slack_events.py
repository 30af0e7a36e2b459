"""Slack's HTTP mode: what Slack signed is read as Bolt reads it, and queued without Bolt's listeners in between."""

import json
from typing import Any
from urllib.parse import parse_qsl

from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ingress.verifier import SlackVerifier
from bot.slack_link import SlackLink
from bot.web.body import BodyReader

_MOST_FIELDS = 100  # of a form; a slash command has about fifteen


def slack_routes(link: SlackLink, verifier: SlackVerifier) -> list[Route]:
    """Return POST /slack/events; 401 unless the signature is Slack's and at most five minutes old, 400 for what cannot
    be read, 503 before we know who we are."""
    reader = BodyReader()

    async def receive(request: Request) -> Response:
        body = await reader.read(request)
        stamps = request.headers.getlist("x-slack-request-timestamp")
        signatures = request.headers.getlist("x-slack-signature")
        if not verifier.genuine(stamps, signatures, body):
            raise HTTPException(401, "unsigned")
        if link.app is None:
            raise HTTPException(503, "not connected to Slack yet")
        payload = _payload(body, request.headers.get("content-type", ""))
        challenge = payload.get("challenge")
        if payload.get("type") == "url_verification" and isinstance(challenge, str):
            return JSONResponse({"challenge": challenge})
        if payload.get("ssl_check"):
            return Response()
        status, answer = await link.app.take(payload, signatures[0])
        return Response(answer, status, media_type="application/json" if answer else None)

    return [Route("/slack/events", receive, methods=["POST"])]


def _payload(body: bytes, content_type: str) -> dict[str, Any]:
    """Return what Slack sent, JSON or a form; the request's other headers and its query were signed by nobody."""
    try:
        text = body.decode()
        if content_type.startswith("application/json") or text.startswith("{"):
            payload = json.loads(text)
        else:
            payload = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
            payload = json.loads(payload["payload"]) if "payload" in payload else payload
        if not isinstance(payload, dict) or not isinstance(payload.get("event", {}), dict):
            raise ValueError("no object, or no event in it")
        # As the worker will: Bolt looks for ids at once, and trips over a body of another shape in any of these ways.
        AsyncBoltRequest(mode="socket_mode", body=payload)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise HTTPException(400, "the body cannot be read") from None
    return payload
