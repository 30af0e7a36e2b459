"""The Web API takes what both SDKs send and refuses what Slack refuses."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace
from tests.demo.slack.refusals import REFUSALS

Json = dict[str, Any]
BOT = {"Authorization": "Bearer xoxb-local-watchkeeper-bot"}


async def call(http: httpx.AsyncClient, method: str, args: Json, **headers: str) -> Json:
    """One call with a JSON body."""
    return (await http.post(f"/api/{method}", json=args, headers={**BOT, **headers})).json()


async def test_every_refused_call_gets_slacks_code(slack: LocalWorkspace, http: httpx.AsyncClient) -> None:
    await slack.post("faults", rate_limits=False)
    person = (await slack.post("post", as_="U0ALICE", channel="C0OPS", text="hello"))["ts"]
    own = (await call(http, "chat.postMessage", {"channel": "C0OPS", "text": "mine"}))["ts"]
    wrong: list[str] = []
    for method, args, code in REFUSALS:
        named = {k: {"TS": person, "OWN": own}.get(v, v) if isinstance(v, str) else v for k, v in args.items()}
        answer = await call(http, method, named)
        if answer.get("error") != code:
            wrong.append(f"{method}: {answer.get('error')} instead of {code}")
    assert wrong == []


@pytest.mark.parametrize("sender", ["json", "form", "query"])
async def test_arguments_arrive_whichever_way_an_sdk_sends_them(
    slack: LocalWorkspace, http: httpx.AsyncClient, sender: str
) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}]
    args: Json = {"channel": "C0OPS", "text": "hi", "blocks": blocks, "reply_broadcast": True}
    encoded = {**args, "blocks": json.dumps(blocks), "reply_broadcast": "1"}
    if sender == "json":
        answer = await http.post("/api/chat.postMessage", json=args, headers=BOT)
    elif sender == "form":
        answer = await http.post("/api/chat.postMessage", data=encoded | {"token": BOT["Authorization"][7:]})
    else:
        answer = await http.get("/api/chat.postMessage", params=encoded, headers=BOT)
    message = answer.json()["message"]
    assert message["blocks"][0]["text"] == {"type": "mrkdwn", "text": "*hi*"}
    assert len(message["blocks"][0]["block_id"]) == 5


@pytest.mark.parametrize(
    ("token", "method", "code"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("xoxb-local-watchkeeper-bot", "apps.connections.open", "not_allowed_token_type"),
        ("xapp-local-watchkeeper-app", "auth.test", "not_allowed_token_type"),
        ("xoxb-local-watchkeeper-bot", "canvases.create", "unknown_method"),
    ],
)
async def test_a_wrong_token_or_method_is_refused(http: httpx.AsyncClient, token: str, method: str, code: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await http.post(f"/api/{method}", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (200, code)


async def test_a_missing_scope_names_what_is_needed(slack: LocalWorkspace, http: httpx.AsyncClient) -> None:
    app = await slack.post("apps", name="Reader", scopes=["users:read"])
    token = {"Authorization": f"Bearer {app['bot_token']}"}
    answer = await call(http, "chat.postMessage", {"channel": "C0OPS", "text": "x"}, **token)
    assert (answer["error"], answer["needed"], answer["provided"]) == ("missing_scope", "chat:write", "users:read")


async def test_malformed_blocks_are_pointed_at(http: httpx.AsyncClient) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "x"}}
    blocks = [{"type": "divider"}, {"type": "actions", "elements": [button] * 26}]
    answer = await call(http, "chat.postMessage", {"channel": "C0OPS", "text": "x", "blocks": blocks})
    sentence = "no more than 25 items allowed [json-pointer:/blocks/1/elements]"
    assert (answer["error"], answer["errors"]) == ("invalid_blocks", [sentence])
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {sentence}"]
    checked = await call(http, "blocks.validate", {"blocks": blocks})
    assert checked["errors"][0]["pointer"] == "/blocks/1/elements"


BAD_BLOCKS: list[tuple[Json, str]] = [
    ({"type": "section"}, "must provide text or fields [json-pointer:/blocks/0]"),
    ({"type": "section", "text": "x"}, "must provide an object [json-pointer:/blocks/0/text]"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn"),
    ({"type": "divider", "text": 1}, "invalid additional property: text [json-pointer:/blocks/0]"),
    ({"type": "alert", "text": {"type": "plain_text", "text": "x"}}, "unsupported type: alert"),
    ({"type": "image", "alt_text": "x"}, "must provide either image_url or slack_file"),
    ({"type": "context", "elements": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    (
        {"type": "markdown", "text": "x" * 12_001},
        "must be less than 12001 characters [json-pointer:/blocks/0/text]",
    ),
    ({"text": "x"}, "missing required field: type [json-pointer:/blocks/0]"),
]


async def test_a_bad_block_is_refused_with_a_reason(http: httpx.AsyncClient) -> None:
    for block, sentence in BAD_BLOCKS:
        answer = await call(http, "chat.postMessage", {"channel": "C0OPS", "text": "x", "blocks": [block]})
        assert sentence in answer["errors"][0]


async def test_history_and_lists_are_paged_by_opaque_cursors(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    sent = [(await slack.post("post", as_="U0ALICE", channel="C0OPS", text=str(n)))["ts"] for n in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await client.conversations_history(channel="C0OPS", limit=2, cursor=cursor)
        seen += [m["ts"] for m in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"] if page["has_more"] else ""
        if not cursor:
            break
    assert seen == sent[::-1]
    assert len(set(sent)) == 5
    first = await client.users_list(limit=3)
    assert len(first["members"]) == 3
    assert first["response_metadata"]["next_cursor"]


async def test_a_reply_to_a_reply_joins_the_root_and_is_counted(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    root = (await slack.post("post", as_="U0ALICE", channel="C0OPS", text="root"))["ts"]
    reply = await client.chat_postMessage(channel="C0OPS", text="one", thread_ts=root)
    second = await client.chat_postMessage(channel="C0OPS", text="two", thread_ts=str(reply["ts"]))
    assert second["message"]["thread_ts"] == root  # type: ignore[index]
    thread = await client.conversations_replies(channel="C0OPS", ts=str(second["ts"]))
    assert [m["text"] for m in thread["messages"]] == ["root", "one", "two"]
    assert (thread["messages"][0]["reply_count"], thread["messages"][0]["reply_users"]) == (2, ["U0WATCH"])
    history = await client.conversations_history(channel="C0OPS")
    assert [m["text"] for m in history["messages"]] == ["root"]


async def test_an_update_keeps_blocks_it_does_not_mention(client: AsyncWebClient) -> None:
    blocks = [{"type": "divider"}]
    posted = await client.chat_postMessage(channel="C0OPS", text="a", blocks=blocks)
    kept = await client.chat_update(channel="C0OPS", ts=str(posted["ts"]), text="b")
    assert kept["message"]["blocks"][0]["type"] == "divider"  # type: ignore[index]
    emptied = await client.chat_update(channel="C0OPS", ts=str(posted["ts"]), text="c", blocks=[])
    assert "blocks" not in emptied["message"]  # type: ignore[operator]


async def test_an_ephemeral_is_seen_by_one_person_only(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    await client.chat_postEphemeral(channel="C0OPS", user="U0ALICE", text="psst")
    seen = {u: (await slack.get("history", channel="C0OPS", **{"as": u}))["messages"] for u in ("U0ALICE", "U0BOB")}
    assert [m["text"] for m in seen["U0ALICE"]] == ["psst"]
    assert seen["U0BOB"] == []
    assert (await client.conversations_history(channel="C0OPS"))["messages"] == []


async def test_a_file_uploaded_by_the_sdk_is_served_again(
    slack: LocalWorkspace, client: AsyncWebClient, http: httpx.AsyncClient
) -> None:
    root = str((await client.chat_postMessage(channel="C0OPS", text="root"))["ts"])
    await client.files_upload_v2(
        content=b"\x89PNG", filename="plot.png", title="Plot", alt_txt="A plot", channel="C0OPS", thread_ts=root
    )
    thread = (await slack.get("history", channel="C0OPS", thread_ts=root, **{"as": "U0ALICE"}))["messages"]
    file = thread[-1]["files"][0]
    assert (file["title"], file["alt_txt"], file["mimetype"]) == ("Plot", "A plot", "image/png")
    assert (await http.get(file["thumb"])).content == b"\x89PNG"


async def until_limited(send: Callable[[], Awaitable[httpx.Response]]) -> list[httpx.Response]:
    """Answers up to and with the first 429 (a slow machine refills the bucket meanwhile)."""
    answers = [await send()]
    while answers[-1].status_code == 200 and len(answers) < 60:
        answers.append(await send())
    return answers


async def test_calls_over_the_tier_are_told_when_to_come_back(slack: LocalWorkspace, http: httpx.AsyncClient) -> None:
    answers = await until_limited(lambda: http.get("/api/usergroups.list", headers=BOT))
    assert 20 < len(answers) < 30
    refused = answers[-1]
    assert (refused.status_code, refused.json()) == (429, {"ok": False, "error": "ratelimited"})
    assert refused.headers["retry-after"] in ("1", "2", "3")
    await slack.post("faults", rate_limits=False)
    assert (await http.get("/api/usergroups.list", headers=BOT)).status_code == 200


async def test_posts_are_limited_per_channel(http: httpx.AsyncClient) -> None:
    def post(channel: str) -> Awaitable[httpx.Response]:
        return http.post("/api/chat.postMessage", json={"channel": channel, "text": "x"}, headers=BOT)

    answers = await until_limited(lambda: post("C0OPS"))
    assert 10 < len(answers) < 20
    assert answers[-1].status_code == 429
    assert (await post("C0GENERAL")).status_code == 200


async def test_an_incoming_webhook_posts_as_an_integration(slack: LocalWorkspace, http: httpx.AsyncClient) -> None:
    body = {"text": "disk full", "username": "Grafana", "channel": "#incidents"}
    answer = await http.post("/services/T00WATCH/B0/key", json=body)
    assert answer.text == "ok"
    message = (await slack.get("wait", channel="C0INCIDENTS", contains="disk full"))["message"]
    assert (message["subtype"], message["username"], message.get("user")) == ("bot_message", "Grafana", None)
