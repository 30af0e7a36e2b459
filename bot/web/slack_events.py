"""Slack's HTTP mode: what Slack signed is read as Bolt reads it, and queued without Bolt's listeners in between."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.request.async_request import AsyncBoltRequest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ingress.untrusted import refuse_deep
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
        if payload.get("type") == "url_verification":
            return JSONResponse({"challenge": payload.get("challenge")})
        if payload.get("ssl_check"):
            return Response()
        return to_starlette_response(await link.app.take(payload, signatures[0]))

    return [Route("/slack/events", receive, methods=["POST"])]


def _payload(body: bytes, content_type: str) -> Mapping[str, Any]:
    """Return what Slack sent, JSON or a form; the request's other headers and its query were signed by nobody."""
    try:
        if body[:1] != b"{" and body.count(b"&") > _MOST_FIELDS:
            raise ValueError("too many fields")
        payload = AsyncBoltRequest(body=body.decode(), headers={"content-type": content_type}).body
        refuse_deep(payload)
        if not isinstance(payload.get("event", {}), dict):
            raise ValueError("no event")
    # Bolt looks for ids at once, and trips over a body of another shape in any of these ways.
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise HTTPException(400, "the body cannot be read") from None
    return payload
