"""What Slack sends becomes an event in the queue before Slack hears that we have it."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import JsonValue
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.answers import Answers, waits_for_answer
from bot.ingress.untrusted import refuse_deep
from core.errors import QueueFullError, TransientError
from core.event import Event
from core.ports import Clock, Inbox
from core.tool_call import canonical_json

_log, _quiet_log = structlog.get_logger(__name__), logging.getLogger(__name__)
_PATIENCE, _AGAIN = 2.0, 0.1  # seconds; Slack waits three
_ANSWERED = 2.5  # seconds for a form to be queued and answered
_WAITS_FOR_NOBODY = {"agent_session_stopped"}


def build_intake(
    queue: Inbox, clock: Clock, identity: AuthorizeResult, client: AsyncWebClient, answers: Answers | None = None
) -> "Intake":
    """Return an app without listeners: every payload is queued, then acknowledged with an empty 200, or, for some
    forms, with what the worker has to say to them in time.

    When the queue does not take it, the answer is 503 over HTTP and silence over the socket: Slack sends it again.
    It verifies nothing. Over HTTP its only caller has done so and hands over the request's signature, under which one
    event is taken and no second one; what comes through the socket has none.
    """

    async def authorize(**_: object) -> AuthorizeResult:
        return identity

    app = Intake(
        logger=logging.getLogger("slack_bolt"), client=client, authorize=authorize, request_verification_enabled=False
    )
    app.queue, app.clock, app.answers = queue, clock, answers
    app.use(_Enqueue(app))
    return app


class Intake(AsyncApp):
    """Bolt's app for the socket; over HTTP `take` is called at once, as Bolt's way to it costs as much as the write."""

    queue: Inbox
    clock: Clock
    answers: Answers | None

    async def take(self, payload: Mapping[str, Any], signature: str = "") -> tuple[int, str]:
        """Queue the payload and return what Slack is answered: a status and a body."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            event = event_of(payload, self.clock)
        except ValueError as error:
            _log.warning("event_unreadable", error=str(error))
            return 400, ""
        try:
            fresh = await self._put(event, signature, began + _PATIENCE)
        except (TransientError, TimeoutError) as error:
            told = f"{type(error).__name__}: {error}".removesuffix(": ")
            _log.warning("event_not_taken", kind=event.kind, event_id=event.id, error=told)
            return 503, ""
        if _quiet_log.isEnabledFor(logging.DEBUG):  # binding a logger costs more than reading the event
            _log.debug("event_taken" if fresh else "event_already_taken", kind=event.kind, event_id=event.id)
        if self.answers is None or not waits_for_answer(payload):
            return 200, ""
        try:
            answer = await self.answers.wait(event.id, max(0.0, began + _ANSWERED - loop.time()))
        except TransientError:
            answer = ""  # the form is queued and will be dealt with; what is wrong in it is told in a direct message
        return 200, answer

    async def _put(self, event: Event, signature: str, until: float) -> bool:
        """Queue the event; a queue that cannot be reached is tried again, as one that is restarted comes back before
        whoever pressed a button should read that it failed. A first try that hangs has taken all the time there is."""
        try:
            return await self.queue.put(event, signature)
        except QueueFullError:
            raise
        except TransientError as error:
            _log.info("event_tried_again", kind=event.kind, event_id=event.id, error=str(error))
        async with asyncio.timeout_at(until):
            while True:
                await asyncio.sleep(_AGAIN)
                try:
                    return await self.queue.put(event, signature)
                except QueueFullError:
                    raise
                except TransientError:
                    continue


@dataclass(frozen=True, slots=True)
class _Enqueue(AsyncMiddleware):
    """Ends every dispatch in the intake."""

    intake: Intake

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse:
        """Queue the payload and end the dispatch."""
        status, body = await self.intake.take(req.body)
        return BoltResponse(status=status, body=body)


def event_of(payload: Mapping[str, JsonValue], clock: Clock) -> Event:
    """Return the event for one payload of Slack; the same payload again gives the same id. ValueError for one that is
    too deep."""
    refuse_deep(payload)
    kind, identity, key = _events_api(payload) or _slash_command(payload) or _interactive(payload)
    # Not validated: it is JSON that was read a moment ago, and reading it again costs more than the rest of this.
    return Event.model_construct(
        id=identity, kind=f"slack.{kind}", key=key, body=dict(payload), received_at=clock.now()
    )


def _events_api(payload: Mapping[str, JsonValue]) -> tuple[str, str, str] | None:
    event = payload.get("event")
    if not isinstance(event, Mapping):
        return None
    item = event.get("item")
    message = event.get("message")
    place = item if isinstance(item, Mapping) else event
    inner = message if isinstance(message, Mapping) else place
    channel = _word(place, "channel", "channel_id")
    thread = _word(inner, "thread_ts", "ts", "event_ts")
    # A stop must not stand in line behind the very work that it is to stop.
    lane = "slack:stop" if _word(event, "type") in _WAITS_FOR_NOBODY else "slack"
    identity = _word(payload, "event_id") or _hashed(payload)
    return "events_api", identity, f"{lane}:{channel}:{thread}"


def _slash_command(payload: Mapping[str, JsonValue]) -> tuple[str, str, str] | None:
    if not _word(payload, "command"):
        return None
    identity = _hashed([_word(payload, "trigger_id"), _word(payload, "user_id"), _word(payload, "command", "text")])
    return "slash_commands", identity, f"slack:user:{_word(payload, 'user_id')}"


def _interactive(payload: Mapping[str, JsonValue]) -> tuple[str, str, str]:
    user = _word(_part(payload, "user"), "id")
    rows = payload.get("actions")
    actions = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    view = _part(payload, "view")
    told: list[JsonValue] = [_word(payload, name) for name in ("type", "trigger_id", "callback_id", "action_ts")]
    told += [user, _word(view, "id"), _word(view, "hash")]
    told += [_word(row, name) for row in actions for name in ("block_id", "action_id", "value", "action_ts")]
    approval = next((_word(row, "value") for row in actions if _word(row, "action_id").startswith("approval.")), "")
    return "interactive", _hashed(told), f"approval:{approval}" if approval else f"slack:user:{user}"


def _part(value: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    part = value.get(name)
    return part if isinstance(part, Mapping) else {}


def _word(value: Mapping[str, JsonValue], *names: str) -> str:
    return next((found for name in names if isinstance(found := value.get(name), str) and found), "")


def _hashed(value: JsonValue | Mapping[str, JsonValue]) -> str:
    return hashlib.sha256(canonical_json(dict(value) if isinstance(value, Mapping) else value)).hexdigest()
