"""HTTP Events mode: signatures, retries, challenges, and Bolt's own request handling behind a real port."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace

Json = dict[str, Any]
ALICE = {"as": "U0ALICE"}


@dataclass
class Receiver:
    """A request URL that keeps what it got and answers as told."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    answer: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        """Keep the request; a challenge is answered as Slack asks."""
        body = await request.read()
        self.got.append(({k.lower(): v for k, v in request.headers.items()}, body))
        if b"url_verification" in body:
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        return web.Response(status=self.status, headers=self.headers, text=self.answer)


async def _listen(app: web.Application) -> tuple[web.AppRunner, str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A listening request URL."""
    kept, app = Receiver(), web.Application()
    app.router.add_post("/slack/events", kept.handle)
    runner, kept.url = await _listen(app)
    yield kept
    await runner.cleanup()


@pytest.fixture
async def http_app(slack: LocalWorkspace, receiver: Receiver) -> Json:
    """An app in HTTP mode."""
    return await slack.post("apps", name="Pager", commands=["/page"], request_url=receiver.url)


async def test_events_are_signed_and_a_changed_body_is_noticed(
    slack: LocalWorkspace, receiver: Receiver, http_app: Json, wait_until: Callable[..., Any]
) -> None:
    await slack.post("post", as_="U0ALICE", channel="C0OPS", text="hello")
    await wait_until(lambda: receiver.got)
    headers, body = receiver.got[0]
    verifier = SignatureVerifier(http_app["signing_secret"])
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body.replace(b"hello", b"evil!"), headers)
    assert not SignatureVerifier("another secret").is_valid_request(body, headers)
    assert json.loads(body)["event"]["text"] == "hello"
    assert "x-slack-retry-num" not in headers


async def test_failed_deliveries_come_again_with_number_and_reason(
    slack: LocalWorkspace, receiver: Receiver, http_app: Json, wait_until: Callable[..., Any]
) -> None:
    receiver.status = 500
    await slack.post("clock", scale=10_000)
    await slack.post("post", as_="U0ALICE", channel="C0OPS", text="hello")
    await wait_until(lambda: len(receiver.got) == 4)
    retries = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h, _ in receiver.got]
    assert retries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert len({json.loads(body)["event_id"] for _, body in receiver.got}) == 1


async def test_no_retry_is_honoured(
    slack: LocalWorkspace, receiver: Receiver, http_app: Json, wait_until: Callable[..., Any]
) -> None:
    receiver.status, receiver.headers = 500, {"x-slack-no-retry": "1"}
    await slack.post("clock", scale=100_000)
    await slack.post("post", as_="U0ALICE", channel="C0OPS", text="first")
    await wait_until(lambda: slack.workspace.deliveries.log[-1].reasons)
    receiver.status = 200
    await slack.post("post", as_="U0ALICE", channel="C0OPS", text="second")
    await wait_until(lambda: slack.workspace.deliveries.log[-1].acked)
    assert [json.loads(body)["event"]["text"] for _, body in receiver.got] == ["first", "second"]


async def test_a_new_url_is_challenged_and_may_be_cleared(
    slack: LocalWorkspace, receiver: Receiver, http_app: Json
) -> None:
    changed = await slack.post(f"apps/{http_app['app_id']}", request_url=receiver.url)
    assert (changed["transport"], changed["verified"], changed["ssl_check"]) == ("http", True, True)
    nowhere = await slack.post(f"apps/{http_app['app_id']}", request_url="http://127.0.0.1:9/slack/events")
    assert nowhere["verified"] is False
    assert (await slack.post(f"apps/{http_app['app_id']}", request_url=None))["transport"] == "socket"


async def test_a_slash_command_is_a_signed_form_of_strings(
    slack: LocalWorkspace, receiver: Receiver, http_app: Json
) -> None:
    receiver.answer = "paging"
    ran = await slack.post("slash", as_="U0ALICE", channel="C0OPS", command="/page", text="bob")
    assert ran["response"] == {"text": "paging"}
    headers, body = receiver.got[-1]
    form = parse_qs(body.decode())
    assert (form["command"], form["text"], form["is_enterprise_install"]) == (["/page"], ["bob"], ["false"])
    assert SignatureVerifier(http_app["signing_secret"]).is_valid_request(body, headers)
    receiver.status = 500
    assert (await slack.post("slash", as_="U0ALICE", channel="C0OPS", command="/page"))["error"] == "dispatch_failed"


async def test_bolt_answers_over_http_and_refuses_a_forged_request(
    slack: LocalWorkspace, receiver: Receiver, http_app: Json
) -> None:
    client = AsyncWebClient(token=http_app["bot_token"], base_url=f"{slack.url}/api/")
    bolt = AsyncApp(client=client, signing_secret=http_app["signing_secret"])
    clicked = asyncio.Event()

    @bolt.event("app_mention")
    async def mentioned(event: Json, say: Any) -> None:
        button = {"type": "button", "action_id": "ok", "text": {"type": "plain_text", "text": "OK"}}
        await say(text="Paged", blocks=[{"type": "actions", "elements": [button]}], thread_ts=event["ts"])

    @bolt.action("ok")
    async def pressed(ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="Seen", replace_original=True)
        clicked.set()

    runner, url = await _listen(bolt.web_app())
    try:
        assert (await slack.post(f"apps/{http_app['app_id']}", request_url=url))["verified"]
        await slack.post("post", as_="U0ALICE", channel="C0OPS", text="@pager help")
        card = (await slack.get("wait", channel="C0OPS", contains="Paged"))["message"]
        assert await slack.post("click", ALICE, channel="C0OPS", ts=card["ts"], action_id="ok") == {"ok": True}
        async with asyncio.timeout(5):
            await clicked.wait()
        seen = (await slack.get("wait", channel="C0OPS", contains="Seen"))["message"]
        assert seen["ts"] == card["ts"]
        slack.workspace.state.apps[http_app["app_id"]].signing_secret = "a forger's guess"
        forged = await slack.post("click", ALICE, channel="C0OPS", ts=card["ts"], action_id="ok")
        assert forged["ok"] is False
    finally:
        await runner.cleanup()
