"""A page or an app may leave in the very moment in which the workspace ends; neither may break the other."""

import asyncio
import socket

import pytest
import uvicorn.protocols.websockets.websockets_sansio_impl as sansio
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidState
from websockets.uri import parse_uri

import demo.slack.app
from demo.slack import LocalWorkspace
from tests.fakes.waiting import wait_until

MUCH = {"type": "much", "text": "x" * 60_000}


async def end_while_a_page_leaves() -> None:
    """Have a page say goodbye while much is still on its way to it, and end the workspace before it has read that."""
    loop = asyncio.get_running_loop()
    with socket.socket() as page:
        page.setblocking(False)
        async with LocalWorkspace() as slack:
            port = int(slack.url.rpartition(":")[2])
            line = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/control/live?as=U0ALICE"))
            await loop.sock_connect(page, ("127.0.0.1", port))
            line.send_request(line.connect())
            await loop.sock_sendall(page, b"".join(line.data_to_send()))
            line.receive_data(await loop.sock_recv(page, 4096))
            (transport,) = [each.transport for each in slack._server.server_state.connections]
            for _ in range(200):
                slack.workspace.live.publish(MUCH)
            await wait_until(lambda: transport.get_write_buffer_size() > 0)
            line.send_close()
            await loop.sock_sendall(page, b"".join(line.data_to_send()))
            await wait_until(transport.is_closing)


async def test_a_workspace_ends_while_a_page_leaves() -> None:
    await end_while_a_page_leaves()


async def test_a_line_that_insists_on_its_goodbye_keeps_the_workspace_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo.slack.app, "_Line", sansio.WebSocketsSansIOProtocol)
    with pytest.raises(InvalidState):
        await end_while_a_page_leaves()
