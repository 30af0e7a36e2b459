"""The signed HTTP API: other systems ask, read, and hand in the words of people. What changes anything is queued first;
the worker's desk decides, as it does for a click."""

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from pydantic import BaseModel, JsonValue, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.api_clients import LiveClients
from bot.api_memory import ApiMemory, ApiNonces
from bot.api_models import ApiAnswer, AskBody, AskJob, TakenAnswer, VoteBody, VoteJob
from bot.ingress.message_signatures import ACCEPTED, Message, MessageVerifier, UnsignedError
from bot.ingress.untrusted import UnreadableError, read_json
from bot.web.api_reading import ApiReading
from bot.web.body import BodyReader
from bot.web.openapi import build_document
from bot.web.pace import Pace
from bot.web.problems import answer_response
from core.api_client import ApiClient
from core.errors import TransientError
from core.event import Event
from core.ids import approval_id_of, stable_id
from core.ports import Clock, Inbox

_log = structlog.get_logger(__name__)
_PATIENCE = 2.5  # seconds for the queue, and as many for the worker
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_ID = re.compile(r"apr_[a-z0-9]{1,40}")
Body = TypeVar("Body", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was proven: who sent it, and the key under which it is one with its repetitions."""

    client: ApiClient
    key: str
    body: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class Api:
    """One method an operation. `reading` is built when somebody first reads, as it brings SQL along."""

    queue: Inbox
    clock: Clock
    clients: LiveClients
    verifier: MessageVerifier
    nonces: ApiNonces
    memory: ApiMemory
    reading: Callable[[], Awaitable[ApiReading]]
    pace: Pace = field(default_factory=Pace)
    reader: BodyReader = field(default_factory=BodyReader)

    def routes(self) -> list[Route]:
        """Return the API's routes, and the document that describes them."""
        document = json.dumps(build_document()).encode()

        async def describe(_: Request) -> Response:
            return Response(document, media_type="application/json")

        return [
            Route("/api/requests", self.ask, methods=["POST"]),
            Route("/api/requests", self.list_open, methods=["GET"]),
            Route("/api/requests/{id}", self.read, methods=["GET"]),
            Route("/api/requests/{id}/votes", self.vote, methods=["POST"]),
            Route("/api/openapi.json", describe, methods=["GET"]),
        ]

    async def ask(self, request: Request) -> Response:
        """Queue a request for countersigning; 202 with its id."""
        call = await self._proven(request)
        body = _read(AskBody, call.body)
        remediation_id = stable_id("rem", call.client.requester, call.key)
        job = AskJob(
            **body.model_dump(),
            client=call.client.id,
            remediation_id=remediation_id,
            approval_id=approval_id_of(remediation_id, 1),
        )
        taken = TakenAnswer(id=job.approval_id, url=f"/api/requests/{job.approval_id}")
        event = self._event("api.ask", call, f"api:{job.approval_id}", job)
        answer = await self._taken(event, call, asks_for=job.approval_id)
        # Whoever waits longer than the web side does is answered the same: the id is the request's, whenever it comes.
        answer = answer or ApiAnswer(status=202, body=taken.model_dump())
        return answer_response(answer, {"Location": taken.url} if answer.status == 202 else None)

    async def vote(self, request: Request) -> Response:
        """Queue one person's word; 200 with the request once it is counted, 202 when that takes longer."""
        call = await self._proven(request)
        body = _read(VoteBody, call.body)
        approval_id = _id_in(request)
        job = VoteJob(**body.model_dump(), client=call.client.id, approval_id=approval_id)
        answer = await self._taken(self._event("api.vote", call, f"approval:{approval_id}", job), call)
        taken = TakenAnswer(id=approval_id, url=f"/api/requests/{approval_id}")
        return answer_response(answer or ApiAnswer(status=202, body=taken.model_dump()))

    async def list_open(self, request: Request) -> Response:
        """What waits for votes."""
        await self._reader_of(request)
        return await _within((await self.reading()).open())

    async def read(self, request: Request) -> Response:
        """One request as it stands, or what became of it before it was one."""
        await self._reader_of(request)
        approval_id = _id_in(request)
        return await _within((await self.reading()).one(approval_id))

    async def _reader_of(self, request: Request) -> None:
        call = await self._proven(request)
        if not call.client.may_read:
            raise HTTPException(403, f"The client {call.client.id} may not read: give it may_read in API_CLIENTS_FILE.")

    async def _proven(self, request: Request) -> Call:
        """Return the call; 401 for whatever its client has not signed just now, for the first time."""
        body = await self.reader.read(request)
        message = _message(request, body)
        try:
            proof = await self.verifier.prove(message)
            known = await self.clients.of(proof.client)
            if known is None:
                raise UnsignedError("The client is no longer known: put it into API_CLIENTS_FILE.")
            if (seconds := self.pace.wait(proof.client)) > 0:
                later = str(int(seconds) + 1)
                raise HTTPException(429, f"Too often: send it again in {later} s, signed anew.", {"Retry-After": later})
            if not await _reached(self.nonces.is_first(proof.client, proof.nonce)):
                raise UnsignedError("This was sent before: sign it again with a new nonce and the present time.")
            self.pace.take(proof.client)  # only now: whoever replays takes no turn from the client
            key = message.line("idempotency-key") if "idempotency-key" in message.headers else f"nonce:{proof.nonce}"
        except UnsignedError as refusal:
            _log.info("api_call_refused", path=message.path, why=str(refusal))
            raise HTTPException(
                401, str(refusal), {"WWW-Authenticate": "Signature", "Accept-Signature": ACCEPTED}
            ) from None
        if "idempotency-key" in message.headers and not _KEY.fullmatch(key):
            raise HTTPException(400, "Idempotency-Key must be 1 to 128 visible ASCII characters without spaces.")
        told = b"\x1f".join((message.method.encode(), message.path.encode(), body))
        return Call(known.rights, key, body, hashlib.sha256(told).hexdigest())

    def _event(self, kind: str, call: Call, key: str, job: BaseModel) -> Event:
        body: dict[str, JsonValue] = job.model_dump(mode="json")
        identity = stable_id("api", call.client.id, call.key)
        return Event(id=identity, kind=kind, key=key, body=body, received_at=self.clock.now())

    async def _taken(self, event: Event, call: Call, asks_for: str = "") -> ApiAnswer | None:
        """Write the event, unless its key stood for something else (422), and return the worker's answer, if it comes
        in time; 503 when the event is not known to be written."""
        if not await _reached(self.memory.is_same(event.id, call.digest)):
            raise HTTPException(422, "This Idempotency-Key stands for another request: send this one under a new key.")
        if asks_for:
            await _reached(self.memory.note_asked(asks_for))
        await _reached(self.queue.put(event))
        try:
            told = await self.memory.wait(event.id, _PATIENCE)
        except TransientError:
            return None  # it is written; only the news of it is late
        return ApiAnswer.read(told) if told else None


async def _reached(work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await work
    except (TransientError, TimeoutError) as error:
        _log.warning("api_call_not_taken", error=str(error) or type(error).__name__)
        raise HTTPException(
            503, "Nothing was recorded: send it again in some seconds, under the same Idempotency-Key, signed anew."
        ) from None


async def _within(work: Awaitable[ApiAnswer]) -> Response:
    return answer_response(await _reached(work))


def _message(request: Request, body: bytes) -> Message:
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        headers.setdefault(name, []).append(value)
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    return Message(request.method, path.decode("latin-1"), query.decode("latin-1"), headers, body)


def _read(model: type[Body], body: bytes) -> Body:
    try:
        return model.model_validate(read_json(body))
    except UnreadableError as error:
        raise HTTPException(400, f"{str(error).capitalize()}: send one JSON object.") from None
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        said = "; ".join(f"{'.'.join(map(str, fault['loc'][:3]))[:80]}: {fault['msg']}" for fault in faults[:5])
        raise HTTPException(422, f"Correct the body and send it again: {said}.") from None


def _id_in(request: Request) -> str:
    approval_id = str(request.path_params["id"])
    if not _ID.fullmatch(approval_id):
        raise HTTPException(404, "A request's id looks like apr_0a1b2c3d: list the open ones to find it.")
    return approval_id
