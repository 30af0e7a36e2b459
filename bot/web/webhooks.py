"""Alert webhooks: authenticated, read, written durably, and only then answered 200."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.ingress import alertmanager, generic, grafana
from bot.ingress.untrusted import MAX_ALERTS, UnreadableError, build_alert, cut, read_json
from bot.web.body import BodyReader
from bot.web.credentials import AlertCredentials
from core.alert import Alert
from core.errors import TransientError
from core.event import Event
from core.grouping import LATE_COPY_WINDOW
from core.ids import stable_id
from core.ports import Clock, Inbox

_log = structlog.get_logger(__name__)
_PATIENCE = 8.0
_ADVICE = f"Send at most {MAX_ALERTS} alerts and 1 MiB at once (Alertmanager: max_alerts; fewer in a group)."
Parser = Callable[[JsonValue, datetime], list[Alert]]
PARSERS: Final[dict[str, Parser]] = {
    "alertmanager": alertmanager.parse,
    "grafana": grafana.parse,
    "generic": generic.parse,
}


@dataclass(frozen=True, slots=True)
class Webhooks:
    """POST /webhooks/{alertmanager,grafana,generic}; 401, 4xx with a sentence, 503 when the queue is out of reach."""

    queue: Inbox
    clock: Clock
    credentials: AlertCredentials
    reader: BodyReader = field(default_factory=BodyReader)

    def routes(self) -> list[Route]:
        """Return the one route."""
        return [Route("/webhooks/{sender}", self.take, methods=["POST"])]

    async def take(self, request: Request) -> Response:
        """Queue every alert of the body; the sender repeats the whole body unless it reads 200."""
        parse = PARSERS.get(request.path_params["sender"])
        if not self.credentials.accept(request.headers.get("authorization", "")):
            raise HTTPException(401, "a valid token is needed (ALERTS_TOKEN)", {"WWW-Authenticate": "Bearer"})
        if parse is None:
            raise HTTPException(404, f"known senders: {', '.join(PARSERS)}")
        sender = request.path_params["sender"]
        try:
            body, left_out = cut(read_json(await self.reader.read(request)))
            alerts = parse(body, self.clock.now())
        except UnreadableError as error:
            _log.error("alerts_refused", sender=sender, status=400, why=str(error))
            raise HTTPException(400, str(error)) from None
        except HTTPException as refusal:
            if refusal.status_code < 500:
                _log.error("alerts_refused", sender=sender, status=refusal.status_code, why=refusal.detail)
            if refusal.status_code == 413:
                await self._put([self._warning(sender, "refused a body of alerts that is too large")], sender)
            raise
        if left_out:
            _log.error("alerts_cut_off", sender=sender, left_out=left_out)
            alerts = [self._warning(sender, f"cut off {left_out} alerts"), *alerts]
        fresh = await self._put(alerts, sender)
        return JSONResponse({"ok": True, "accepted": sum(fresh), "repeated": len(fresh) - sum(fresh)})

    async def _put(self, alerts: Sequence[Alert], sender: str) -> list[bool]:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self.queue.put_many([alert_event(alert, self.clock) for alert in alerts])
        except (TransientError, TimeoutError) as error:
            _log.warning("alerts_not_taken", sender=sender, error=str(error))
            raise HTTPException(503, "the queue is out of reach; send it again") from None

    def _warning(self, sender: str, what: str) -> Alert:
        """Return an alert of our own: the sender repeats nothing that it reads 200 or 4xx for, so people must know."""
        return build_alert(
            source="watchkeeper",
            status="firing",
            name="Alerts did not all get through",
            labels={"service": "watchkeeper", "sender": sender},
            annotations={"summary": f"The {sender} webhook {what}. {_ADVICE}"},
            now=self.clock.now(),
        )


def alert_event(alert: Alert, clock: Clock) -> Event:
    """Return the event for one alert; the same state of the same alert gives the same id for a while.

    What is handled is never handled again, so an alert that ends and fires anew with its old start, as some senders
    have it, needs another id: it is news from the moment on when it is no late copy any more."""
    ended = alert.ends_at.isoformat() if alert.ends_at else ""
    state = (alert.source, alert.fingerprint, alert.status.value, alert.starts_at.isoformat(), ended)
    span = int(clock.now().timestamp() // LATE_COPY_WINDOW.total_seconds())
    return Event(
        id=stable_id("alert", *state, str(span)),
        kind="alert",
        key=f"alert:{alert.group_key}",
        body=alert.model_dump(mode="json"),
        received_at=clock.now(),
    )
