"""Takes events off the queue and hands each to one use case: the place to read what happens to what."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from pydantic import JsonValue
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.answers import Answers, waits_for_answer
from bot.api_desk import ApiDesk
from bot.ingress import slack_alerts
from bot.listeners.telling import tell
from bot.places import Places
from bot.services import Services
from core.alert import Alert
from core.brief import Edit, Place, Proposal
from core.errors import NeedsHumanError, RefusedError, ToolError, TransientError
from core.event import Event
from core.ids import approval_id_of, stable_id
from core.services.alert_intake import REFRESH_SPAN
from core.services.refused_asks import note_refused

_log = structlog.get_logger(__name__)
_AT_ONCE = 5  # of each kind; a storm of alerts must not become a storm of questions to what is already in trouble


@dataclass(frozen=True, slots=True)
class Worker:
    """Every handler is safe to repeat, as the queue delivers at least once."""

    app: AsyncApp
    services: Services
    pause: float = 1.5  # seconds between two refreshes
    ours: frozenset[str] = frozenset()  # our own user and bot ids
    answers: Answers | None = None
    api: ApiDesk | None = None
    edits: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Apart, so that nobody's question waits behind a storm of alerts.
    investigations: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    questions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def handle(self, event: Event) -> None:
        """Do what the event asks for; whatever this raises makes the queue deliver the event again."""
        handle = self._handlers().get(event.kind)
        if handle is None:
            _log.error("event_of_unknown_kind", kind=event.kind, event_id=event.id)
            return
        with structlog.contextvars.bound_contextvars(kind=event.kind, event_id=event.id):
            try:
                await handle(event)
            except TransientError:
                raise
            except NeedsHumanError as end:
                _log.warning("event_left_to_a_human", why=str(end))
            except (RefusedError, ToolError) as refusal:
                _log.info("event_refused", why=str(refusal), error=type(refusal).__name__)
                await self._tell(event, str(refusal))
            except Exception:  # the job wrapper: whoever waits for this job hears of its end
                reference = stable_id("ref", event.id)
                _log.exception("event_failed", reference=reference)
                await self._tell(event, f"Something went wrong (ref {reference}). I will try again.")
                raise

    def _handlers(self) -> Mapping[str, Callable[[Event], Awaitable[object]]]:
        api = {"api.ask": self.api.take_ask, "api.vote": self.api.take_vote} if self.api else {}
        return {
            **api,
            "slack.events_api": self._slack_event,
            "slack.interactive": self._slack,
            "slack.slash_commands": self._slack,
            "alert": self._alert,
            "job.investigate": self._investigate,
            "job.refresh": self._refresh,
            "job.ask": self._ask,
            "job.propose": self._propose,
            "job.edit": self._edit,
            "job.reconsider": self._reconsider,
            "job.resume": self._resume,
        }

    async def _slack(self, event: Event) -> None:
        answer = await self.app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=event.body))
        if answer.status >= 500:
            raise TransientError(f"a listener asked for another try ({event.kind})")
        if self.answers is not None and waits_for_answer(event.body):
            await self._answer(self.answers, event, answer.body)

    async def _answer(self, answers: Answers, event: Event, body: str) -> None:
        """Hand the answer to a form back; where that is too late, tell what was wrong in a direct message."""
        if await answers.give(event.id, body) or not body:
            return
        errors: Mapping[str, str] = json.loads(body).get("errors") or {}
        person: Any = event.body.get("user")
        said = " ".join(errors.values())
        await tell(self.app.client, person["id"], Place(channel="", thread_ts=""), f"Your form was not taken: {said}")

    async def _slack_event(self, event: Event) -> None:
        payload = event.body.get("event")
        alerts = slack_alerts.parse(payload, event.received_at, self.ours) if isinstance(payload, Mapping) else []
        for alert in alerts:
            await self.services.intake.handle(alert)
        if not alerts:
            await self._slack(event)

    async def _alert(self, event: Event) -> None:
        await self.services.intake.handle(Alert.model_validate(event.body))

    async def _investigate(self, event: Event) -> None:
        async with self.investigations:
            await self.services.investigation.of_incident(
                _word(event, "incident_id"), _word(event, "requester"), _word(event, "look")
            )

    async def _refresh(self, event: Event) -> None:
        # Drawn after the span that its id stands for, so that it shows every change of that span; one at a time and
        # not more often than Slack takes edits, so that approvals and answers keep their share of them.
        span = REFRESH_SPAN.total_seconds()
        due = (event.received_at.timestamp() // span + 1) * span
        # Bounded: a clock that was set back since would have it wait for hours.
        await asyncio.sleep(min(span, max(0.0, due - self.services.clock.now().timestamp())))
        async with self.edits:
            if "approval_id" in event.body:
                await self.services.cards.show_approval(_word(event, "approval_id"))
            elif "report_id" in event.body:
                await self.services.investigation.show(_word(event, "report_id"))
            else:
                await self.services.cards.show_incident(_word(event, "incident_id"))
            await asyncio.sleep(self.pause)

    async def _ask(self, event: Event) -> None:
        place = Place(channel=_word(event, "channel"), thread_ts=_word(event, "thread_ts"))
        async with self.questions:
            await self.services.investigation.of_question(
                _word(event, "question"), _word(event, "requester"), place, _word(event, "message_ts")
            )

    async def _propose(self, event: Event) -> None:
        proposal = Proposal.model_validate(event.body)
        try:
            await self.services.remediation.start(proposal)
        except (NeedsHumanError, RefusedError, ToolError) as end:
            await self._asked(proposal)  # an answer as well
            audit, approval_id = self.services.audit, approval_id_of(proposal.remediation_id, 1)
            await note_refused(audit, self.services.clock, proposal.requester, approval_id, str(end))
            raise
        await self._asked(proposal)

    async def _asked(self, proposal: Proposal) -> None:
        """Note that nothing more is owed to the report: until then its proposal's job may have got lost."""
        if proposal.report_id is not None:
            await self.services.reports.shown(proposal.report_id, self.services.clock.now())

    async def _edit(self, event: Event) -> None:
        await self.services.editing.carry_out(Edit.model_validate(event.body))

    async def _resume(self, event: Event) -> None:
        await self.services.remediation.resume(_word(event, "approval_id"))

    async def _reconsider(self, event: Event) -> None:
        async with self.investigations:
            await self.services.reconsideration.reconsider(_word(event, "approval_id"))

    async def _tell(self, event: Event, sentence: str) -> None:
        """Say it in the thread that the job belongs to; jobs without a known thread are told in the log only."""
        place = await Places(self.services.incidents, self.services.approvals).of(event)
        if place is not None:
            await self.services.cards.say(place, sentence, key=f"failed:{event.id}")


def _word(event: Event, name: str) -> str:
    found: JsonValue = event.body.get(name)
    if not isinstance(found, str):
        raise ToolError(f"The event {event.id} has no {name}.")
    return found
