"""The worker's side of the API: what other systems ask for, and people's words that they hand in, go where a click
goes; the caller's answer is left for the web side."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from slack_sdk.errors import SlackApiError

from bot.api_clients import LiveClients
from bot.api_memory import ApiMemory
from bot.api_models import ApiAnswer, AskJob, RequestAnswer, TakenAnswer, VoteJob
from bot.api_problems import refusal_answer
from bot.blocks import rich
from bot.blocks.text import inert
from bot.cards.channels import ChannelBook
from bot.cards.poster import Poster
from bot.identifiers import QUESTION
from bot.services import Services
from core.api_client import ApiClient
from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.brief import Place, Proposal
from core.errors import (
    ClientMayNotError,
    ConfigurationError,
    NoDataError,
    RefusedError,
    StaleApprovalError,
    ToolArgumentsError,
    ToolError,
)
from core.event import Event
from core.ports import Forms
from core.services.refused_asks import note_refused
from core.tool_call import ToolCall

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ApiDesk:
    """Both methods are safe to repeat, and end in one answer under the event's id."""

    services: Services
    clients: LiveClients
    memory: ApiMemory
    forms: Forms
    poster: Poster
    channels: ChannelBook

    async def take_ask(self, event: Event) -> None:
        """Check what can be checked at once, say it in the channel, and queue the proposal."""
        job = AskJob.model_validate(event.body)
        try:
            client = await self._client(job.client)
            if not client.may_ask:
                raise ClientMayNotError(f"The client {client.id} may not ask: give it may_ask in API_CLIENTS_FILE.")
            call = ToolCall(name=job.tool, args=job.args)
            if faults := self.forms.faults(call):
                raise ToolArgumentsError(f"Correct the arguments and ask again: {_joined(faults)}.")
            proposal = Proposal(
                remediation_id=job.remediation_id,
                call=call,
                place=await self._announce(event, client, job),
                requester=client.requester,
                reason=job.reason,
            )
            await self.services.remediation.ask(proposal)
        except (RefusedError, ToolError) as refusal:
            services, requester = self.services, f"api:{job.client}"
            await note_refused(services.audit, services.clock, requester, job.approval_id, str(refusal))
            await self._answer(event, refusal_answer(refusal))
            return
        asked = TakenAnswer(id=job.approval_id, url=f"/api/requests/{job.approval_id}")
        await self._answer(event, ApiAnswer(status=202, body=asked.model_dump(mode="json")))

    async def take_vote(self, event: Event) -> None:
        """Have the desk count the person's word, answer, and show the card as it is then."""
        job = VoteJob.model_validate(event.body)
        try:
            request = await self.services.approvals.load(job.approval_id)
        except NoDataError as unknown:
            await self._answer(event, refusal_answer(unknown))
            return
        try:
            now = await self._vote(request, job)
            answer = ApiAnswer(status=200, body=RequestAnswer.of(now).model_dump(mode="json"))
        except RefusedError as refusal:
            _log.info("api_vote_refused", client=job.client, person=job.person, why=type(refusal).__name__)
            answer = refusal_answer(refusal)
        await self._answer(event, answer)
        await self.services.cards.show_approval(request.id)

    async def _vote(self, request: ApprovalRequest, job: VoteJob) -> ApprovalRequest:
        try:
            client = await self._client(job.client)
            if job.person not in client.may_vote_for:
                raise ClientMayNotError(
                    f"The client {job.client} may not speak for {job.person}: "
                    "they can decide in Slack, or be named in its may_vote_for in API_CLIENTS_FILE."
                )
            if job.digest != request.digest:
                raise StaleApprovalError(
                    "This is not the digest of that request: read it again, and vote on what it says."
                )
        except RefusedError as refusal:
            facts = {"choice": job.choice, "why": type(refusal).__name__, "via": f"api client {job.client}"}
            await self._note("VoteRefused", job.person, request.id, request.incident_id, facts)
            raise
        desk = self.services.desk
        return await desk.vote_on(request, job.person, job.choice, job.reason, typed=job.typed, via=client.requester)

    async def _client(self, client_id: str) -> ApiClient:
        known = await self.clients.of(client_id)
        if known is None:
            raise ClientMayNotError(f"There is no client {client_id} any more: put it into API_CLIENTS_FILE.")
        return known.rights

    async def _announce(self, event: Event, client: ApiClient, job: AskJob) -> Place:
        """Say in the incident channel who asks for what, and return the thread that the card will stand in."""
        text = f"API client {client.id} asks for {job.tool}: {job.reason}"
        blocks = [
            rich.block(
                rich.line(rich.words(f"API client {client.id}", "bold"), rich.words(f" asks for {job.tool}")),
                rich.quote(job.reason),
            )
        ]
        try:
            channel = await self.channels.id_of(self.services.incident_channel)
            async with self.poster.turn(QUESTION, event.id):
                root = Place(channel=channel, thread_ts="")
                ts = await self.poster.show(QUESTION, event.id, inert(text, 1000), blocks, root)
        except (ConfigurationError, SlackApiError) as error:
            raise RefusedError(_SHUT_OUT.format(channel=self.services.incident_channel)) from error
        if not ts:
            raise RefusedError(_SHUT_OUT.format(channel=self.services.incident_channel))
        return Place(channel=channel, thread_ts=ts)

    async def _answer(self, event: Event, answer: ApiAnswer) -> None:
        await self.memory.give(event.id, answer.written())

    async def _note(self, kind: str, actor: str, subject: str, incident_id: str | None, facts: dict[str, str]) -> None:
        at = self.services.clock.now()
        event = AuditEvent(kind=kind, actor=actor, subject=subject, incident_id=incident_id, at=at, details=dict(facts))
        await self.services.audit.append(event)


_SHUT_OUT = "No card can be shown in {channel}: invite the bot there, then ask again under a new Idempotency-Key."


def _joined(faults: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {said}" if name else said.rstrip(".") for name, said in faults.items())
