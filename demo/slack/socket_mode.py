"""Socket Mode: tickets, connections, envelopes and their acknowledgements."""

import asyncio
import json
import random
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from demo.slack.delivery import Outcome
from demo.slack.ids import new_id
from demo.slack.objects import app_card
from demo.slack.state import App, Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

MAX_CONNECTIONS = 10
TICKET_LIFETIME = 30.0
_WITH_RESPONSE = ("view_submission", "block_suggestion")


@dataclass(eq=False)
class Connection:
    """One open socket of an app."""

    socket: WebSocket
    app_id: str
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    draining: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, frame: Json) -> bool:
        """Send a frame; False when the socket is gone."""
        try:
            async with self.lock:
                await self.socket.send_text(json.dumps(frame))
        except (RuntimeError, WebSocketDisconnect):
            return False
        return True

    async def close(self, code: int = 1000) -> None:
        """Say goodbye, if anybody is there to hear it."""
        with suppress(RuntimeError, WebSocketDisconnect):
            await self.socket.close(code)


class SocketMode:
    """The apps' sockets; every envelope goes to exactly one of them, picked at random."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self._tickets: dict[str, tuple[str, float]] = {}
        self._connections: dict[str, list[Connection]] = {}
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    def connected(self, app_id: str) -> bool:
        """Whether the app has a socket that takes envelopes."""
        return bool(self._live(app_id))

    def _live(self, app_id: str) -> list[Connection]:
        return [c for c in self._connections.get(app_id, []) if not c.draining]

    def open(self, app: App, base_url: str) -> str:
        """The address of a new connection; its ticket works once and not for long."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = (app.id, self._ws.clock.now() + TICKET_LIFETIME)
        return f"{base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={app.id}"

    async def serve(self, socket: WebSocket) -> None:
        """Run one connection from hello to its end."""
        app_id, expires = self._tickets.pop(socket.query_params.get("ticket", ""), ("", 0.0))
        if not app_id or self._ws.clock.now() > expires:
            await socket.close(4403)
            return
        await socket.accept()
        connection = Connection(socket, app_id)
        if len(self._connections.get(app_id, [])) >= MAX_CONNECTIONS:
            await connection.send(self._disconnect("too_many_websockets"))
            await connection.close()
            return
        self._connections.setdefault(app_id, []).append(connection)
        await connection.send(self._hello(app_id))
        self._show(app_id)
        try:
            while True:
                self._receive(await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._connections[app_id].remove(connection)
            self._show(app_id)

    def _hello(self, app_id: str) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections[app_id]),
            "debug_info": {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": app_id},
        }

    @staticmethod
    def _disconnect(reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-local"}}

    def _show(self, app_id: str) -> None:
        app = self._ws.state.apps.get(app_id)
        if app:
            self._ws.live.publish({"type": "app", "app": app_card(self._ws.state, app, self.connected(app_id))})

    def _receive(self, text: str) -> None:
        try:
            ack: Any = json.loads(text)
        except ValueError:
            return
        envelope_id = ack.get("envelope_id") if isinstance(ack, dict) else None
        # An ack counts whichever connection of the app it comes in on.
        waiting = self._waiting.get(envelope_id) if isinstance(envelope_id, str) else None
        if waiting is None or waiting.done():
            return
        if self._ws.faults.drop_ack > 0:
            self._ws.faults.drop_ack -= 1
            waiting.set_exception(TimeoutError())
            return
        waiting.set_result(ack.get("payload"))

    async def send(self, app: App, kind: str, payload: Json, number: int, reason: str) -> Outcome:
        """One attempt: an envelope to one connection, then its ack within three seconds."""
        live = self._live(app.id)
        if not live:
            return Outcome(False, "timeout")
        envelope_id = new_id("")
        envelope: Json = {"envelope_id": envelope_id, "payload": payload, "type": kind}
        answerable = kind == "slash_commands" or payload.get("type") in _WITH_RESPONSE
        envelope["accepts_response_payload"] = answerable
        if kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = waiting
        try:
            if not await random.choice(live).send(envelope):
                return Outcome(False, "timeout")
            body = await asyncio.wait_for(waiting, self._ws.faults.ack_seconds)
        except TimeoutError:
            return Outcome(False, "timeout")
        finally:
            del self._waiting[envelope_id]
        return Outcome(True, body=body)

    async def refresh(self) -> None:
        """Ask every connection to reconnect, as Slack does every few hours."""
        for connections in self._connections.values():
            for connection in list(connections):
                connection.draining = True
                await connection.send(self._disconnect("refresh_requested"))
                self._ws.spawn(self._close_later(connection))

    async def _close_later(self, connection: Connection) -> None:
        await asyncio.sleep(5)
        if connection in self._connections.get(connection.app_id, []):
            await connection.close()

    async def abrupt_close(self) -> None:
        """Cut every connection without a word (or with code 1011 where the transport is out of reach)."""
        for connections in self._connections.values():
            for connection in list(connections):
                connection.draining = True
                peer = connection.socket.client
                if peer is None or not self._ws.abort_connection((peer.host, peer.port)):
                    await connection.close(1011)

    async def disable(self, app_id: str) -> None:
        """End the connections of an app whose app-level token was revoked."""
        for connection in list(self._connections.get(app_id, [])):
            await connection.send(self._disconnect("link_disabled"))
            await connection.close()
