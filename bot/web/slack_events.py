"""Slack's HTTP mode: the raw body goes to Bolt, which verifies its signature."""

from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from slack_bolt.async_app import AsyncApp
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.web.body import read_body


def slack_routes(app: AsyncApp) -> list[Route]:
    """Return POST /slack/events; 401 unless the signature is Slack's and at most five minutes old."""

    async def receive(request: Request) -> Response:
        body = await read_body(request)
        # Bolt raises on these instead of refusing them, and an exception would be answered 500.
        if not request.headers.get("x-slack-request-timestamp", "").isdecimal():
            raise HTTPException(401, "unsigned")
        if not request.headers.get("x-slack-signature", "").isascii():
            raise HTTPException(401, "unsigned")
        try:
            body.decode()
        except UnicodeDecodeError:
            raise HTTPException(401, "unsigned") from None
        return to_starlette_response(await app.async_dispatch(to_async_bolt_request(request, body)))

    return [Route("/slack/events", receive, methods=["POST"])]
