"""What Slack sends is in the queue before Slack hears of it: once for each event, never lost, never our own echo."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot import slack_link
from bot.intake import build_intake, event_of
from bot.slack_link import SlackLink
from core.errors import ConfigurationError, TransientError
from core.ports import Inbox
from demo.slack import LocalWorkspace
from tests.fakes.clock import FakeClock
from tests.fakes.queue import InMemoryQueue
from tests.fakes.queue_faults import UnreachableQueue
from tests.fakes.waiting import wait_until

BOT, APP = "xoxb-local-watchkeeper-bot", "xapp-local-watchkeeper-app"
CLOCK = FakeClock()


class Switch:
    """A queue that is gone until it is told to be back."""

    def __init__(self) -> None:
        self.inner = InMemoryQueue()
        self.gone = True

    async def put(self, event: Any, signature: str = "") -> bool:
        return await (UnreachableQueue() if self.gone else self.inner).put(event, signature)

    async def put_many(self, events: Any) -> list[bool]:
        return await (UnreachableQueue() if self.gone else self.inner).put_many(events)


@asynccontextmanager
async def linked(workspace: LocalWorkspace, queue: Inbox, app_token: str = APP) -> AsyncIterator[SlackLink]:
    client = AsyncWebClient(token=BOT, base_url=f"{workspace.url}/api/")
    link = SlackLink(client, lambda identity: build_intake(queue, CLOCK, identity, client), app_token)
    running = asyncio.create_task(link.run())
    try:
        await wait_until(lambda: running.done() or link.connected())
        await wait_until(link.connected)
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(port=0) as workspace:
        yield workspace


@pytest.fixture
async def control(workspace: LocalWorkspace) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{workspace.url}/control") as client:
        yield client


async def post(control: httpx.AsyncClient, text: str) -> str:
    answer = await control.post("/post", json={"as": "U0ALICE", "channel": "C0INCIDENTS", "text": text})
    return answer.json()["ts"]


async def deliveries(control: httpx.AsyncClient) -> list[dict[str, Any]]:
    return (await control.get("/deliveries")).json()["deliveries"]


def inner_types(queue: InMemoryQueue) -> list[str]:
    return [event.body["event"]["type"] for event in queue.waiting]  # pyright: ignore


async def test_a_mention_is_queued_and_then_acknowledged(workspace: LocalWorkspace, control: httpx.AsyncClient) -> None:
    queue = InMemoryQueue()
    async with linked(workspace, queue):
        ts = await post(control, "@watchkeeper hello")
        await wait_until(lambda: sorted(inner_types(queue)) == ["app_mention", "message"])
    assert {event.key for event in queue.waiting} == {f"slack:C0INCIDENTS:{ts}"}
    assert len({event.id for event in queue.waiting}) == 2
    assert {(row["acked"], row["attempts"]) for row in await deliveries(control)} == {(True, 1)}


async def test_the_same_event_four_times_is_one_event(workspace: LocalWorkspace, control: httpx.AsyncClient) -> None:
    queue = InMemoryQueue()
    async with linked(workspace, queue):
        await post(control, "hello")
        await wait_until(lambda: len(queue.waiting) == 1)
        event_id = queue.waiting[0].id
        await control.post("/redeliver", json={"event_id": event_id, "times": 3})
        await post(control, "the end")
        await wait_until(lambda: len(queue.waiting) == 2)
    assert [event.id for event in queue.waiting].count(event_id) == 1


async def test_what_could_not_be_queued_is_not_acknowledged_and_comes_again(
    workspace: LocalWorkspace, control: httpx.AsyncClient
) -> None:
    queue = Switch()
    await control.post("/clock", json={"scale": 1000})
    async with linked(workspace, queue):
        await post(control, "only once said")

        async def refused() -> bool:
            return any(row["attempts"] >= 1 and not row["acked"] for row in await deliveries(control))

        await wait_until(refused)
        assert queue.inner.waiting == []
        queue.gone = False
        await wait_until(lambda: inner_types(queue.inner) == ["message"])


async def test_our_own_messages_do_not_come_back_to_us(workspace: LocalWorkspace, control: httpx.AsyncClient) -> None:
    queue = InMemoryQueue()
    async with linked(workspace, queue):
        await AsyncWebClient(token=BOT, base_url=f"{workspace.url}/api/").chat_postMessage(
            channel="C0INCIDENTS", text="said by the bot"
        )
        await control.post("/bot_post", json={"channel": "C0INCIDENTS", "username": "prom", "text": "said by another"})
        await wait_until(lambda: len(queue.waiting) == 1)
    assert queue.waiting[0].body["event"]["text"] == "said by another"  # pyright: ignore


async def test_a_cut_connection_is_made_anew(workspace: LocalWorkspace, control: httpx.AsyncClient) -> None:
    queue = InMemoryQueue()
    await control.post("/clock", json={"scale": 20})
    async with linked(workspace, queue):
        await control.post("/faults", json={"abrupt_close": True})
        await post(control, "after the cut")
        await wait_until(lambda: inner_types(queue) == ["message"], within=20)


async def test_the_socket_is_open_only_while_the_queue_answers(
    workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack_link, "_LISTEN", 0.05)
    monkeypatch.setattr(slack_link, "_GONE", 0.2)
    gone = True
    asked = 0

    async def reach() -> None:
        nonlocal asked
        asked += 1
        if gone:
            raise TransientError("REDIS_URL host does not answer")

    async def opened() -> int:
        async with httpx.AsyncClient(base_url=f"{workspace.url}/control") as control:
            calls = (await control.get("/calls")).json()["calls"]
        return sum(call["method"] == "apps.connections.open" for call in calls)

    client = AsyncWebClient(token=BOT, base_url=f"{workspace.url}/api/")
    link = SlackLink(client, lambda who: build_intake(InMemoryQueue(), CLOCK, who, client), APP, reach)
    running = asyncio.create_task(link.run())
    try:
        await wait_until(lambda: asked >= 2)
        assert await opened() == 0
        gone = False
        await wait_until(link.connected)
        assert await opened() >= 1
        gone = True

        async def closed() -> bool:
            return not await link.connected()

        await wait_until(closed)
        gone = False
        await wait_until(link.connected)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(("bot", "app", "named"), [("xoxb-no", APP, "SLACK_BOT"), (BOT, "xapp-no", "SLACK_APP")])
async def test_a_token_that_slack_refuses_ends_the_start(
    workspace: LocalWorkspace, bot: str, app: str, named: str
) -> None:
    client = AsyncWebClient(token=bot, base_url=f"{workspace.url}/api/")
    link = SlackLink(client, lambda who: build_intake(InMemoryQueue(), CLOCK, who, client), app)
    with pytest.raises(ConfigurationError, match=named):
        await link.run()


def click(**fields: Any) -> dict[str, Any]:
    action = {"action_id": "approval.approve", "block_id": "b", "value": "apr_1", "action_ts": "1.5"}
    return {
        "type": "block_actions",
        "user": {"id": "U0ALICE"},
        "trigger_id": "9.9",
        "actions": [action | fields.pop("action", {})],
        **fields,
    }


def test_a_duplicate_delivery_collapses_while_two_clicks_do_not() -> None:
    first = event_of(click(), CLOCK)
    assert event_of(click(), CLOCK).id == first.id
    others = [click(trigger_id="9.10", action={"action_ts": "1.6"}), click(user={"id": "U0CAROL"})]
    assert len({first.id, *(event_of(other, CLOCK).id for other in others)}) == 3


def slack_event(**event: Any) -> dict[str, Any]:
    return {"type": "event_callback", "event_id": "Ev1", "event": event}


@pytest.mark.parametrize(
    ("payload", "kind", "key"),
    [
        (click(), "slack.interactive", "approval:apr_1"),
        (click(action={"action_id": "home.refresh"}), "slack.interactive", "slack:user:U0ALICE"),
        ({"type": "view_submission", "user": {"id": "U1"}, "view": {"id": "V"}}, "slack.interactive", "slack:user:U1"),
        ({"command": "/ops", "user_id": "U1", "trigger_id": "1"}, "slack.slash_commands", "slack:user:U1"),
        (slack_event(type="message", channel="C1", ts="2.0", thread_ts="1.0"), "slack.events_api", "slack:C1:1.0"),
        (
            slack_event(type="message", subtype="message_changed", channel="C1", ts="9.0", message={"ts": "1.0"}),
            "slack.events_api",
            "slack:C1:1.0",
        ),
        (
            slack_event(type="reaction_added", item={"channel": "C1", "ts": "1.0"}, event_ts="3.0"),
            "slack.events_api",
            "slack:C1:1.0",
        ),
        (
            slack_event(type="agent_session_stopped", channel="C1", thread_ts="1.0"),
            "slack.events_api",
            "slack:stop:C1:1.0",
        ),
    ],
)
def test_what_belongs_together_has_one_key(payload: dict[str, Any], kind: str, key: str) -> None:
    event = event_of(payload, CLOCK)
    assert (event.kind, event.key) == (kind, key)


@pytest.mark.parametrize(
    "payload", [{}, {"event": {}}, {"actions": 3, "user": "x"}, {"event": {"message": 1, "item": 2}}]
)
def test_an_odd_payload_still_has_an_identity(payload: dict[str, Any]) -> None:
    assert event_of(payload, CLOCK).id == event_of(payload, CLOCK).id


def broken(payload: dict[str, Any]) -> str:
    """The folk rule: what carries a retry header is a duplicate."""
    return "" if payload.get("retry_attempt") is not None else event_of(payload, CLOCK).id


@pytest.mark.parametrize(("identify", "kept"), [(lambda payload: event_of(payload, CLOCK).id, True), (broken, False)])
def test_a_retry_that_is_the_only_delivery_is_kept(identify: Callable[[dict[str, Any]], str], kept: bool) -> None:
    assert bool(identify(slack_event(type="message", channel="C1", ts="1.0") | {"retry_attempt": 1})) is kept
