"""Streams live, grow, stop, expire and are stopped as Slack's do."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace

RECIPIENT = {"recipient_team_id": "T00WATCH", "recipient_user_id": "U0ALICE"}


async def start(slack: LocalWorkspace, client: AsyncWebClient) -> dict[str, Any]:
    """A running stream in a thread of #ops, as `channel` and `ts` (and its root)."""
    root = (await slack.post("post", as_="U0ALICE", channel="C0OPS", text="why?"))["ts"]
    stream = await client.chat_startStream(channel="C0OPS", thread_ts=root, **RECIPIENT)
    return {"channel": "C0OPS", "ts": str(stream["ts"]), "root": root}


async def refusal(awaitable: Any) -> str:
    """The error code of a refused call."""
    with pytest.raises(SlackApiError) as refused:
        await awaitable
    return refused.value.response["error"]


async def shown(slack: LocalWorkspace, stream: dict[str, Any]) -> dict[str, Any]:
    """The streamed message on Alice's page."""
    thread = await slack.get("history", channel="C0OPS", thread_ts=stream["root"], **{"as": "U0ALICE"})
    return thread["messages"][-1]


async def test_the_sdks_stream_becomes_one_message_with_text_tasks_and_blocks(
    slack: LocalWorkspace, client: AsyncWebClient
) -> None:
    root = (await slack.post("post", as_="U0ALICE", channel="C0OPS", text="why?"))["ts"]
    streamer = await client.chat_stream(channel="C0OPS", thread_ts=root, buffer_size=1, **RECIPIENT)
    await streamer.append(markdown_text="Looking at ")
    task = {"type": "task_update", "id": "t1", "title": "Read metrics", "status": "in_progress"}
    await streamer.append(markdown_text="metrics.", chunks=[task])
    live = (await slack.get("history", channel="C0OPS", thread_ts=root, **{"as": "U0ALICE"}))["messages"][-1]
    assert live["streaming"] is True
    await streamer.append(chunks=[{**task, "status": "complete"}])
    await streamer.stop(blocks=[{"type": "divider"}], session_status="active")
    done = (await slack.get("history", channel="C0OPS", thread_ts=root, **{"as": "U0ALICE"}))["messages"][-1]
    assert (done["streaming"], done["text"]) == (False, "Looking at metrics.")
    assert [b["type"] for b in done["blocks"]] == ["markdown", "task_card", "divider"]
    assert done["blocks"][1]["status"] == "complete"
    assert slack.workspace.state.sessions["C0OPS", root].status == "active"


async def test_an_empty_stop_is_accepted_and_nothing_after_it(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    stream = await start(slack, client)
    where = {"channel": stream["channel"], "ts": stream["ts"]}
    await client.chat_stopStream(**where, chunks=[])
    assert await refusal(client.chat_appendStream(**where, markdown_text="x")) == "message_not_in_streaming_state"


async def test_a_stream_expires_after_five_minutes_and_update_repairs_it(
    slack: LocalWorkspace, client: AsyncWebClient
) -> None:
    stream = await start(slack, client)
    where = {"channel": stream["channel"], "ts": stream["ts"]}
    assert await refusal(client.chat_update(**where, text="x")) == "streaming_state_conflict"
    await slack.post("clock", scale=1_000_000)
    assert await refusal(client.chat_appendStream(**where, markdown_text="x")) == "message_not_in_streaming_state"
    assert await refusal(client.chat_stopStream(**where)) == "message_not_in_streaming_state"
    await client.chat_update(**where, text="repaired")
    assert (await shown(slack, stream))["text"] == "repaired"


async def test_the_stop_button_ends_the_stream_and_tells_the_app(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    stream = await start(slack, client)
    await client.agents_sessions_setStatus(channel_id="C0OPS", thread_ts=stream["root"], status="processing")
    stopped = await slack.post("stop", as_="U0ALICE", channel="C0OPS", thread_ts=stream["root"])
    assert stopped["streaming_message_ts"] == [stream["ts"]]
    late = client.chat_appendStream(channel="C0OPS", ts=stream["ts"], markdown_text="x")
    assert await refusal(late) == "stopped_by_user"
    event = slack.workspace.deliveries.log[-1].payload["event"]
    assert (event["type"], event["user"]) == ("agent_session_stopped", "U0ALICE")
    assert slack.workspace.state.sessions["C0OPS", stream["root"]].status == "processing"


async def test_a_stream_of_too_many_bytes_is_refused_and_keeps_what_it_had(
    slack: LocalWorkspace, client: AsyncWebClient
) -> None:
    stream = await start(slack, client)
    where = {"channel": stream["channel"], "ts": stream["ts"]}
    await client.chat_appendStream(**where, markdown_text="é" * 5_000)
    assert await refusal(client.chat_appendStream(**where, markdown_text="é" * 400)) == "msg_too_long"
    assert len((await shown(slack, stream))["text"]) == 5_000


async def test_a_stream_takes_fifty_blocks_through_chunks(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    stream = await start(slack, client)
    where = {"channel": stream["channel"], "ts": stream["ts"]}
    await client.chat_appendStream(**where, chunks=[{"type": "blocks", "blocks": [{"type": "divider"}] * 50}])
    one_more = client.chat_appendStream(**where, chunks=[{"type": "blocks", "blocks": [{"type": "divider"}]}])
    assert await refusal(one_more) == "msg_blocks_too_many"


async def test_another_app_cannot_write_into_the_stream(slack: LocalWorkspace, client: AsyncWebClient) -> None:
    stream = await start(slack, client)
    other = await slack.post("apps", name="Other")
    stranger = AsyncWebClient(token=other["bot_token"], base_url=client.base_url)
    late = stranger.chat_appendStream(channel="C0OPS", ts=stream["ts"], markdown_text="x")
    assert await refusal(late) == "message_not_owned_by_app"
    assert await refusal(client.chat_appendStream(channel="C0OPS", ts=stream["ts"], chunks=[{}])) == "invalid_chunks"
