"""Socket Mode by its frames: hello, tickets, acks, retries, reconnects."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from demo.slack import LocalWorkspace

Json = dict[str, Any]


@pytest.fixture
def dial(slack: LocalWorkspace) -> Callable[[], Any]:
    """Opens one more connection of the seed app; gives it after its hello."""

    async def address() -> str:
        app = AsyncWebClient(token="xapp-local-watchkeeper-app", base_url=f"{slack.url}/api/")
        return str((await app.apps_connections_open(app_token=app.token or ""))["url"])

    return address


@pytest.fixture
async def socket(dial: Callable[[], Any]) -> AsyncIterator[ClientConnection]:
    """A connection that has been greeted."""
    async with connect(await dial()) as connection:
        assert json.loads(await connection.recv())["type"] == "hello"
        yield connection


async def receive(socket: ClientConnection) -> Json:
    """The next frame."""
    async with asyncio.timeout(8):
        return json.loads(await socket.recv())


async def ack(socket: ClientConnection, envelope: Json, payload: Json | None = None) -> None:
    """Acknowledge an envelope."""
    await socket.send(json.dumps({"envelope_id": envelope["envelope_id"], **({"payload": payload} if payload else {})}))


async def say(slack: LocalWorkspace, text: str = "hello") -> str:
    """Alice writes to #ops."""
    return (await slack.post("post", as_="U0ALICE", channel="C0OPS", text=text))["ts"]


def deliveries(slack: LocalWorkspace) -> list[Json]:
    """The record of envelopes."""
    return [d.to_json() for d in slack.workspace.deliveries.log]


async def test_a_ticket_opens_one_connection_and_hello_comes_first(dial: Callable[[], Any]) -> None:
    url = await dial()
    async with connect(url) as connection:
        hello = await receive(connection)
        assert (hello["num_connections"], hello["connection_info"]) == (1, {"app_id": "A0WATCH"})
        with pytest.raises(InvalidStatus):
            await connect(url)
        pong = await connection.ping("sdk-ping-pong:1")
        async with asyncio.timeout(5):
            await pong


async def test_a_mention_raises_two_events_with_one_ts(slack: LocalWorkspace, socket: ClientConnection) -> None:
    ts = await say(slack, "@watchkeeper hi")
    first, second = await receive(socket), await receive(socket)
    assert {first["payload"]["event"]["type"], second["payload"]["event"]["type"]} == {"message", "app_mention"}
    assert first["payload"]["event_id"] != second["payload"]["event_id"]
    assert first["payload"]["event"]["ts"] == second["payload"]["event"]["ts"] == ts
    assert (first["retry_attempt"], first["retry_reason"], first["accepts_response_payload"]) == (0, "", False)


async def test_an_unacknowledged_event_comes_again_three_times_with_the_same_id(
    slack: LocalWorkspace, socket: ClientConnection, wait_until: Callable[..., Any]
) -> None:
    await slack.post("faults", ack_seconds=0.05)
    await slack.post("clock", scale=10_000)
    await say(slack)
    seen = [await receive(socket) for _ in range(4)]
    assert len({e["payload"]["event_id"] for e in seen}) == 1
    assert len({e["envelope_id"] for e in seen}) == 4
    assert [(e["retry_attempt"], e["retry_reason"]) for e in seen] == [
        (0, ""),
        (1, "timeout"),
        (2, "timeout"),
        (3, "timeout"),
    ]
    await wait_until(lambda: len(slack.workspace.deliveries.log[0].reasons) == 4)
    assert deliveries(slack)[0]["acked"] is False


async def test_the_second_retry_waits_a_minute_of_the_clock(
    slack: LocalWorkspace, socket: ClientConnection, wait_until: Callable[..., Any]
) -> None:
    await slack.post("faults", drop_ack=2)
    await say(slack)
    for _ in range(2):
        await ack(socket, await receive(socket))
    await wait_until(lambda: len(slack.workspace.deliveries.log[0].reasons) == 2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(socket.recv(), 0.2)
    await slack.post("clock", scale=1_000)
    third = await receive(socket)
    await ack(socket, third)
    assert third["retry_attempt"] == 2
    await wait_until(lambda: deliveries(slack)[0]["acked"])
    assert deliveries(slack)[0]["attempts"] == 3


async def test_events_wait_for_the_app_while_nothing_is_connected(
    slack: LocalWorkspace, dial: Callable[[], Any], wait_until: Callable[..., Any]
) -> None:
    await say(slack, "while you were away")
    await wait_until(lambda: slack.workspace.deliveries.log[0].attempts == 2)
    async with connect(await dial()) as connection:
        await receive(connection)
        await slack.post("clock", scale=1_000)
        late = await receive(connection)
        assert late["payload"]["event"]["text"] == "while you were away"
        assert late["retry_attempt"] == 2


async def test_each_event_goes_to_one_connection_and_its_ack_may_come_on_another(
    slack: LocalWorkspace, dial: Callable[[], Any], wait_until: Callable[..., Any]
) -> None:
    async with connect(await dial()) as one, connect(await dial()) as two:
        await receive(one)
        await receive(two)
        for number in range(8):
            await say(slack, str(number))
        got: list[str] = []

        async def read(own: ClientConnection, other: ClientConnection) -> None:
            async for frame in own:
                envelope = json.loads(frame)
                got.append(envelope["payload"]["event"]["text"])
                await ack(other, envelope)

        readers = [asyncio.create_task(read(one, two)), asyncio.create_task(read(two, one))]
        await wait_until(lambda: all(d["acked"] for d in deliveries(slack)))
        assert sorted(got) == [str(n) for n in range(8)]
        for reader in readers:
            reader.cancel()


async def test_the_eleventh_connection_is_turned_away(slack: LocalWorkspace, dial: Callable[[], Any]) -> None:
    open_ones = [await connect(await dial()) for _ in range(10)]
    async with connect(await dial()) as eleventh:
        assert (await receive(eleventh))["reason"] == "too_many_websockets"
        with pytest.raises(ConnectionClosed):
            await eleventh.recv()
    for connection in open_ones:
        await connection.close()


async def test_refresh_announces_itself_and_abrupt_close_does_not(
    slack: LocalWorkspace, dial: Callable[[], Any], wait_until: Callable[..., Any]
) -> None:
    async with connect(await dial()) as one:
        await receive(one)
        await slack.post("faults", refresh=True)
        farewell = await receive(one)
        assert (farewell["type"], farewell["reason"]) == ("disconnect", "refresh_requested")
    two = await connect(await dial())
    await receive(two)
    await slack.post("faults", abrupt_close=True)
    with pytest.raises(ConnectionClosed) as closed:
        await two.recv()
    assert closed.value.rcvd is None


async def test_slash_commands_are_answered_in_the_ack_and_never_repeated(
    slack: LocalWorkspace, socket: ClientConnection
) -> None:
    asked = asyncio.create_task(
        slack.post("slash", as_="U0ALICE", channel="C0OPS", command="/ops", text="ask #ops @bob")
    )
    envelope = await receive(socket)
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"]["text"] == "ask <#C0OPS|ops> <@U0BOB|bob>"
    assert envelope["payload"]["is_enterprise_install"] is False
    assert "retry_attempt" not in envelope
    await ack(socket, envelope, {"text": "ok"})
    assert (await asked)["response"] == {"text": "ok"}
    await slack.post("faults", ack_seconds=0.1)
    silent = await slack.post("slash", as_="U0ALICE", channel="C0OPS", command="/ops", text="x")
    assert silent["error"] == "operation_timeout"
    seen = await slack.get("wait", channel="C0OPS", contains='/ops failed with the error "operation_timeout"', **ALICE)
    assert seen["message"]["is_ephemeral"]


ALICE = {"as": "U0ALICE"}


async def test_duplicated_reordered_and_redelivered_events_keep_their_ids(
    slack: LocalWorkspace, socket: ClientConnection
) -> None:
    await slack.post("faults", duplicate=2)
    await say(slack, "twice")
    first, second = await receive(socket), await receive(socket)
    assert first["payload"] == second["payload"]
    for envelope in (first, second):
        await ack(socket, envelope)
    await slack.post("faults", clear=True, reorder=True)
    await say(slack, "one")
    await say(slack, "two")
    order = [await receive(socket), await receive(socket)]
    assert [e["payload"]["event"]["text"] for e in order] == ["two", "one"]
    again = asyncio.create_task(slack.post("redeliver", event_id=first["payload"]["event_id"], times=1))
    repeated = await receive(socket)
    await ack(socket, repeated)
    assert (await again)["ok"]
    assert (repeated["payload"], repeated["retry_attempt"]) == (first["payload"], 1)


async def test_a_revoked_app_token_ends_the_connection(slack: LocalWorkspace, socket: ClientConnection) -> None:
    await slack.post("faults", revoke_token="xapp-local-watchkeeper-app")
    assert (await receive(socket))["reason"] == "link_disabled"
    app = AsyncWebClient(token="xapp-local-watchkeeper-app", base_url=f"{slack.url}/api/")
    with pytest.raises(Exception, match="token_revoked"):
        await app.apps_connections_open(app_token=app.token or "")
