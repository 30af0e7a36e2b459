"""What a person at the page, or a test, can do: post, look, listen, break things."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import ClientConnection, connect

from demo.slack import LocalWorkspace

Json = dict[str, Any]
ALICE = {"as": "U0ALICE"}


@pytest.fixture
async def page(slack: LocalWorkspace) -> AsyncIterator[ClientConnection]:
    """Alice's open page."""
    async with connect(f"{slack.url.replace('http', 'ws')}/control/live?as=U0ALICE") as socket:
        yield socket


async def frame(socket: ClientConnection, kind: str) -> Json:
    """The next frame of a kind."""
    async with asyncio.timeout(5):
        while True:
            got = json.loads(await socket.recv())
            if got["type"] == kind:
                return got


async def test_the_seed_is_stable_and_shown_from_a_persons_place(slack: LocalWorkspace) -> None:
    state = await slack.get("state", **ALICE)
    assert [u["id"] for u in state["users"]] == ["U0ALICE", "U0CAROL", "U0DANA", "U0BOB", "U0DAVE", "U0WATCH"]
    assert {c["name"]: c["member"] for c in state["channels"]} == {"incidents": True, "ops": True, "general": True}
    (app,) = state["apps"]
    assert (app["connected"], app["commands"][0]["command"], app["home"]) == (False, "/ops", True)
    assert app["shortcuts"] == [{"callback_id": "investigate_message", "name": "Investigate this", "type": "message"}]
    assert state["usergroups"][0]["users"] == ["U0ALICE", "U0CAROL"]


async def test_what_people_type_is_escaped_and_linked(slack: LocalWorkspace) -> None:
    typed = "@watchkeeper see #ops & <!channel> at https://x.example/a?b=1&c=2 @sre, me@alice"
    posted = await slack.post("post", as_="U0ALICE", channel="C0GENERAL", text=typed)
    message = (await slack.get("history", channel="C0GENERAL", **ALICE))["messages"][0]
    assert message["ts"] == posted["ts"]
    assert message["text"] == (
        "<@U0WATCH> see <#C0OPS|ops> &amp; &lt;!channel&gt; at <https://x.example/a?b=1&amp;c=2>"
        " <!subteam^S0SRE|@sre>, me@alice"
    )
    elements = message["blocks"][0]["elements"][0]["elements"]
    assert [e["type"] for e in elements][:4] == ["user", "text", "channel", "text"]
    assert elements[3]["text"] == " & <!channel> at "


async def test_a_page_hears_what_its_person_may_see(
    slack: LocalWorkspace, page: ClientConnection, client: AsyncWebClient
) -> None:
    await client.chat_postEphemeral(channel="C0OPS", user="U0BOB", text="for Bob")
    await client.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="for Alice")
    assert (await frame(page, "ephemeral"))["message"]["text"] == "for Alice"
    posted = await client.chat_postMessage(channel="C0OPS", text="hello")
    assert (await frame(page, "message"))["message"]["ts"] == posted["ts"]
    await client.chat_update(channel="C0OPS", ts=str(posted["ts"]), text="bye")
    assert (await frame(page, "message_changed"))["message"]["text"] == "bye"
    await client.reactions_add(channel="C0OPS", timestamp=str(posted["ts"]), name="eyes")
    assert (await frame(page, "reaction"))["message"]["reactions"][0]["users"] == ["U0WATCH"]
    status = {"channel_id": "C0OPS", "thread_ts": str(posted["ts"])}
    await client.assistant_threads_setStatus(**status, status="is looking")
    assert (await frame(page, "status"))["status"] == "is looking"
    await client.agents_sessions_setStatus(**status, status="suspended", title="Waiting")
    assert (await frame(page, "session"))["title"] == "Waiting"
    await client.chat_delete(channel="C0OPS", ts=str(posted["ts"]))
    assert (await frame(page, "message_deleted"))["ts"] == posted["ts"]
    await client.views_publish(user_id="U0ALICE", view={"type": "home", "blocks": []})
    assert (await frame(page, "home"))["app_id"] == "A0WATCH"


async def test_an_edit_of_an_alert_raises_message_changed(slack: LocalWorkspace) -> None:
    attachment = {"title": "[FIRING:1] HighErrorRate", "color": "danger"}
    posted = await slack.post(
        "bot_post", channel="C0INCIDENTS", username="Alertmanager", attachments=[attachment], webhook=True
    )
    solved = {"title": "[RESOLVED] HighErrorRate", "color": "good"}
    await slack.post("bot_edit", channel="C0INCIDENTS", ts=posted["ts"], attachments=[solved])
    first, second = (d.payload["event"] for d in slack.workspace.deliveries.log)
    assert (first["subtype"], first["attachments"][0]["color"]) == ("bot_message", "a30200")
    assert second["subtype"] == "message_changed"
    titles = [second[k]["attachments"][0]["title"] for k in ("previous_message", "message")]
    assert titles == ["[FIRING:1] HighErrorRate", "[RESOLVED] HighErrorRate"]


async def test_waiting_finds_old_and_coming_messages_and_gives_up(slack: LocalWorkspace) -> None:
    waiting = asyncio.create_task(slack.get("wait", channel="C0OPS", contains="in a field"))
    fields = [{"title": "x", "value": "deep in a field"}]
    posted = await slack.post("bot_post", channel="C0OPS", username="Grafana", attachments=[{"fields": fields}])
    assert (await waiting)["message"]["ts"] == posted["ts"]
    later = await slack.get("wait", channel="C0OPS", contains="in a field", after=posted["ts"], timeout=0.05)
    assert later["error"] == "timeout"


async def test_a_limited_call_comes_through_with_the_sdks_own_retry(slack: LocalWorkspace) -> None:
    client = AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url=f"{slack.url}/api/")
    await slack.post("faults", method={"name": "auth.test", "status": 429, "retry_after": 0, "times": 1})
    with pytest.raises(SlackApiError):
        await client.auth_test()
    await slack.post("faults", method={"name": "auth.test", "status": 429, "retry_after": 0, "times": 1})
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    assert (await client.auth_test())["user_id"] == "U0WATCH"
    calls = (await slack.get("calls", method="auth.test"))["calls"]
    assert [c["status"] for c in calls] == [429, 429, 200]


async def test_a_method_can_be_slow_broken_or_refused_for_a_while(
    slack: LocalWorkspace, client: AsyncWebClient, http: httpx.AsyncClient
) -> None:
    await slack.post("faults", method={"name": "chat.postMessage", "status": 500, "times": 1, "delay": 0.05})
    broken = await http.post("/api/chat.postMessage", json={"channel": "C0OPS", "text": "x", "token": "x"})
    assert broken.status_code == 500
    await slack.post("faults", method={"name": "chat.startStream", "error": "unknown_method", "times": 2})
    with pytest.raises(SlackApiError, match="unknown_method"):
        await client.api_call("chat.startStream", json={})
    await slack.post("faults", revoke_token="xoxb-local-watchkeeper-bot")
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()
    await slack.post("faults", clear=True)
    assert (await client.auth_test())["ok"]


async def test_the_log_of_calls_holds_no_token(slack: LocalWorkspace, http: httpx.AsyncClient) -> None:
    await http.post("/api/auth.test", data={"token": "xoxb-local-watchkeeper-bot", "x": "1"})
    (call,) = (await slack.get("calls"))["calls"]
    assert (call["method"], call["app_id"], call["args"]) == ("auth.test", "A0WATCH", {"x": "1"})
    assert (await slack.get("calls", since=call["n"]))["calls"] == []


async def test_control_refuses_with_a_sentence(http: httpx.AsyncClient) -> None:
    missing = await http.post("/control/post", json={"as": "U0ALICE", "channel": "C0OPS"})
    assert (missing.status_code, missing.json()["detail"]) == (400, "The field 'text' is required.")
    assert (await http.get("/control/state?as=U0NOBODY")).status_code == 404
    assert (await http.post("/control/post", content=b"{")).json()["error"] == "invalid_json"
    blocks = {"channel": "C0OPS", "username": "x", "blocks": [{"type": "nonsense"}]}
    assert (await http.post("/control/bot_post", json=blocks)).json()["error"] == "invalid_blocks"


async def test_another_sites_page_cannot_reach_the_control_api(slack: LocalWorkspace, http: httpx.AsyncClient) -> None:
    body = {"as": "U0ALICE", "channel": "C0OPS", "text": "x"}
    foreign = await http.post("/control/post", json=body, headers={"Origin": "https://evil.example"})
    own = await http.post("/control/post", json=body, headers={"Origin": slack.url})
    assert (foreign.status_code, own.status_code) == (403, 200)


async def test_the_transcript_can_be_read(
    slack: LocalWorkspace, client: AsyncWebClient, http: httpx.AsyncClient
) -> None:
    root = (await slack.post("post", as_="U0ALICE", channel="C0OPS", text="why?"))["ts"]
    await client.chat_postMessage(channel="C0OPS", text="because", thread_ts=root)
    markdown = (await http.get("/control/transcript?format=md")).text
    assert "## #ops" in markdown
    assert "**Alice Moreno**: why?" in markdown
    assert "**Watchkeeper**: because" in markdown
    assert len((await slack.get("transcript"))["channels"]["C0OPS"]) == 2


async def test_panels_are_handed_to_the_page() -> None:
    panels = [{"title": "Patient", "url": "/patient"}]
    async with LocalWorkspace(panels=panels) as workspace:
        assert (await workspace.get("panels"))["panels"] == panels
