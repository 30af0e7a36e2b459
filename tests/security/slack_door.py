"""Slack's HTTP door as the web role has it, over any queue, and what Slack would send through it."""

import json
from typing import Any

import httpx
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from starlette.types import ASGIApp

from bot.ingress.verifier import SlackVerifier
from bot.ingress.verifier import sign as signature
from bot.intake import build_intake
from bot.slack_link import SlackLink
from bot.web.site import build_site
from bot.web.slack_events import slack_routes
from core.ports import Inbox
from tests.fakes.clock import START, FakeClock

SECRET = "signing-5f2a"
IDENTITY = AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1", bot_user_id="U1", bot_id="B1")
NOW = str(int(START.timestamp()))


def an_event_body(**fields: Any) -> bytes:
    """Return the body of one event of Slack."""
    event = {"type": "message", "channel": "C1", "ts": "1.0"}
    return json.dumps({"type": "event_callback", "event_id": "Ev1", "event": event} | fields).encode()


def a_click_body() -> bytes:
    """Return the body of a press on Approve."""
    action = {"action_id": "approval.approve", "block_id": "b", "value": "apr_1", "action_ts": "1.5"}
    payload = {"type": "block_actions", "user": {"id": "U0ALICE"}, "trigger_id": "9.9", "actions": [action]}
    return httpx.Request("POST", "http://bot", data={"payload": json.dumps(payload)}).content


def signed(body: bytes, at: str = NOW, secret: str = SECRET) -> dict[str, str]:
    """Return the headers under which Slack would send that body at that time."""
    kind = "application/json" if body[:1] == b"{" else "application/x-www-form-urlencoded"
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature(secret, at, body), "Content-Type": kind}


def site_of(queue: Inbox, *, known: bool = True, clock: FakeClock | None = None) -> ASGIApp:
    """Return the site with its one door; before `known`, Slack has not said who we are."""
    clock = clock or FakeClock()
    web = AsyncWebClient(token="xoxb-1", base_url="http://127.0.0.1:1/")
    link = SlackLink(web, lambda who: build_intake(queue, clock, who, web), "")
    link.app = build_intake(queue, clock, IDENTITY, web) if known else None
    return build_site(slack_routes(link, SlackVerifier(SECRET, clock)))


def client_of(site: ASGIApp) -> httpx.AsyncClient:
    """Return a client of a site; what the site raises is answered 500, as a server would."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=site, raise_app_exceptions=False), base_url="http://bot")


async def send(site: ASGIApp, body: bytes, headers: dict[str, str] | list[tuple[bytes, bytes]]) -> int:
    """Post a body to the door; returns the status."""
    async with client_of(site) as client:
        return (await client.post("/slack/events", content=body, headers=headers)).status_code
