"""Slack's HTTP mode: the raw body goes to Bolt, which verifies its signature."""

from slack_bolt.adapter.starlette.async_handler import to_async_bolt_request, to_starlette_response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.slack_link import SlackLink
from bot.web.body import read_body


def slack_routes(link: SlackLink) -> list[Route]:
    """Return POST /slack/events; 401 unless the signature is Slack's and at most five minutes old, 503 before we know
    who we are."""

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
        if link.app is None:
            raise HTTPException(503, "not connected to Slack yet")
        return to_starlette_response(await link.app.async_dispatch(to_async_bolt_request(request, body)))

    return [Route("/slack/events", receive, methods=["POST"])]
