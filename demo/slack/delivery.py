"""Carries events and interactions to apps, with Slack's three-second rule and its retries."""

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from demo.slack.ids import new_id
from demo.slack.state import App, Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

RETRY_DELAYS = (0.0, 60.0, 300.0)


@dataclass
class Outcome:
    """What one attempt came to; `body` is what the app answered with."""

    ok: bool
    reason: str = ""
    body: Any = None
    final: bool = False


@dataclass
class Delivery:
    """The record of one envelope: how often it went out and whether the app took it."""

    id: str
    type: str
    app_id: str
    transport: str
    payload: Json
    attempts: int = 0
    acked: bool = False
    ack_seconds: float | None = None
    reasons: list[str] = field(default_factory=list[str])

    def to_json(self) -> Json:
        """As /control/deliveries shows it."""
        kind = "event_id" if self.type == "events_api" else "envelope_id"
        inner = self.payload.get("event", {}).get("type") if self.type == "events_api" else self.payload.get("type")
        shown = {k: getattr(self, k) for k in ("type", "app_id", "transport", "attempts", "acked", "ack_seconds")}
        return {kind: self.id, **shown, "name": inner or self.payload.get("command"), "reasons": self.reasons}


class Deliveries:
    """Sends payloads to apps over their transport and keeps the record."""

    def __init__(self, ws: "Workspace") -> None:
        self._ws = ws
        self.log: deque[Delivery] = deque(maxlen=5000)
        self._held: asyncio.Event | None = None

    def send_event(self, app: App, payload: Json) -> None:
        """Deliver an event in the background: at once, then at most three retries."""
        record = self._record(app, "events_api", payload["event_id"], payload)
        for _ in range(max(1, self._ws.faults.duplicate)):
            self._ws.spawn(self._run(app, record))

    async def redeliver(self, event_id: str, times: int) -> bool:
        """Send a known event again, as a retry would arrive; False when the id is unknown."""
        record = next((d for d in self.log if d.id == event_id and d.type == "events_api"), None)
        if record is None:
            return False
        app = self._ws.state.apps[record.app_id]
        for number in range(times):
            await self._attempt(app, record, number + 1, "timeout")
        return True

    async def ask(self, app: App, kind: str, payload: Json) -> Outcome:
        """Deliver a slash command or an interaction once and wait for the answer (never retried)."""
        record = self._record(app, kind, new_id("Env"), payload)
        return await self._attempt(app, record, 0, "")

    def _record(self, app: App, kind: str, record_id: str, payload: Json) -> Delivery:
        record = Delivery(record_id, kind, app.id, "http" if app.request_url else "socket", payload)
        self.log.append(record)
        return record

    async def _swap(self) -> None:
        """With `reorder` on, every other event is held until its successor has gone out (or a second has passed)."""
        if not self._ws.faults.reorder:
            return
        if self._held is None:
            self._held = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._held.wait(), 1)
        else:
            asyncio.get_running_loop().call_later(0.05, self._held.set)
            self._held = None

    async def _run(self, app: App, record: Delivery) -> None:
        await self._swap()
        outcome = await self._attempt(app, record, 0, "")
        for number, delay in enumerate(RETRY_DELAYS, start=1):
            if outcome.ok or outcome.final or app.id not in self._ws.state.apps:
                return
            await self._ws.clock.sleep(delay)
            outcome = await self._attempt(app, record, number, outcome.reason)

    async def _attempt(self, app: App, record: Delivery, number: int, reason: str) -> Outcome:
        started = time.monotonic()
        transport = self._ws.http if app.request_url else self._ws.sockets
        record.transport = "http" if app.request_url else "socket"
        record.attempts += 1
        outcome = await transport.send(app, record.type, record.payload, number, reason)
        if outcome.ok:
            record.acked = True
            record.ack_seconds = round(time.monotonic() - started, 4)
        else:
            record.reasons.append(outcome.reason)
        self._ws.live.publish({"type": "delivery", "id": record.id}, [])
        return outcome
