"""HTTP Events mode: signed requests to an app's request URL."""

import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx

from demo.slack.delivery import Outcome
from demo.slack.state import VERIFICATION_TOKEN, App, Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The v0 signature over timestamp and raw body."""
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


class HttpEvents:
    """Posts payloads to request URLs the way Slack's servers do."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._client: httpx.AsyncClient | None = None

    async def send(self, app: App, kind: str, payload: Json, number: int, reason: str) -> Outcome:
        """One attempt; any 2xx within three seconds is an acknowledgement."""
        headers: dict[str, str] = {}
        if number:
            headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        if kind == "events_api":
            return await self._post(app, json.dumps(payload).encode(), "application/json", headers)
        form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        flat = {k: str(v).lower() if isinstance(v, bool) else v for k, v in form.items()}
        return await self._post(app, urlencode(flat).encode(), "application/x-www-form-urlencoded", headers)

    async def verify(self, app: App) -> bool:
        """Whether the URL answers an url_verification challenge."""
        challenge = secrets.token_hex(12)
        body = {"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}
        outcome = await self._post(app, json.dumps(body).encode(), "application/json", {})
        answer = outcome.body.get("challenge") if isinstance(outcome.body, dict) else outcome.body
        return outcome.ok and answer == challenge

    async def ssl_check(self, app: App) -> bool:
        """Whether the URL takes the certificate probe (`ssl_check=1`)."""
        body = urlencode({"ssl_check": "1", "token": VERIFICATION_TOKEN}).encode()
        return (await self._post(app, body, "application/x-www-form-urlencoded", {})).ok

    async def _post(self, app: App, body: bytes, content_type: str, headers: dict[str, str]) -> Outcome:
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, follow_redirects=False)
        timestamp = str(int(time.time()))
        signed = {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": sign(app.signing_secret, timestamp, body),
        }
        timeout = self._ws.faults.ack_seconds
        try:
            response = await self._client.post(
                app.request_url or "", content=body, headers={**headers, **signed}, timeout=timeout
            )
        except httpx.TimeoutException:
            return Outcome(False, "http_timeout")
        except (httpx.TransportError, httpx.InvalidURL):
            return Outcome(False, "connection_failed")
        if self._ws.faults.drop_ack > 0:
            self._ws.faults.drop_ack -= 1
            return Outcome(False, "http_timeout")
        if not response.is_success:
            return Outcome(False, "http_error", final=response.headers.get("x-slack-no-retry") == "1")
        return Outcome(True, body=_decoded(response))

    async def close(self) -> None:
        """Close idle connections."""
        if self._client is not None:
            await self._client.aclose()


def _decoded(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError:
        return response.text
