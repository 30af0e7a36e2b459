"""Other systems' words at the worker's desk: each check that stands in their way, and what happens without it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from bot.api_clients import KnownClient, LiveClients, SharedSecret
from bot.api_desk import ApiDesk
from bot.cards.channels import ChannelBook
from bot.cards.poster import Poster
from core.api_client import ApiClient
from core.approval import ApprovalRequest
from core.event import Event
from core.services import approval_desk
from core.services.approval_desk import ApprovalDesk
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, INCIDENTS, Stage, open_listening_stage, words
from tests.fakes.api_memory import InMemoryApiMemory
from tests.fakes.examples import a_requirement

TWO = a_requirement(quorum=2)
RULES = {
    "version": 1,
    "groups": {"sre": ["S0SRE"]},
    "rules": [
        {"name": "disruptive in prod", "match": {"risk": ["disruptive"]}, "effect": "approve", "groups": ["sre"]}
    ],
}
CALL = {"tool": "restart_service", "args": {"service": "checkout"}, "reason": "deploy 1.4.3"}


@dataclass
class Desk:
    """The desk over a local workspace, and what each event was answered."""

    stage: Stage
    desk: ApiDesk
    memory: InMemoryApiMemory
    events: int = 0

    async def vote(
        self, request: ApprovalRequest, person: str, client: str = "chatops", **more: Any
    ) -> tuple[int, Any]:
        """Hand in a vote; returns status and body."""
        body = {"client": client, "approval_id": request.id, "person": person, "choice": "approve"}
        return await self._take("api.vote", body | {"digest": request.digest} | more)

    async def ask(self, client: str = "deploybot", **changes: Any) -> tuple[int, Any]:
        """Ask; returns status and body."""
        return await self._take(
            "api.ask", CALL | {"client": client, "remediation_id": "rem_1", "approval_id": "apr_1"} | changes
        )

    async def _take(self, kind: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.events += 1
        event = Event(id=f"api_{self.events}", kind=kind, key="k", body=body, received_at=self.stage.clock.now())
        take = self.desk.take_vote if kind == "api.vote" else self.desk.take_ask
        await take(event)
        await take(event)  # the queue delivers at least once
        answer = json.loads(self.memory.answers[event.id])
        return answer["status"], answer["body"]

    async def people(self, request: ApprovalRequest) -> list[str]:
        """Return who has voted."""
        return [vote.person for vote in (await self.stage.approvals.load(request.id)).votes]

    def noted(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Return actor and details of those audit rows."""
        return [(event.actor, dict(event.details)) for event in self.stage.audit.events if event.kind == kind]


def clients(**rights: dict[str, Any]) -> dict[str, KnownClient]:
    key = SharedSecret(b"x" * 32)
    return {name: KnownClient(rights=ApiClient(id=name, **each), key=key) for name, each in rights.items()}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    def prepare(stage: Stage) -> None:
        stage.rules = RULES

    everybody = (ALICE, CAROL, BOB, DAVE)
    known = clients(
        deploybot={"may_ask": True},
        chatops={"may_vote_for": everybody},
        both={"may_ask": True, "may_vote_for": everybody},
    )
    async with open_listening_stage(prepare=prepare) as stage:
        assert stage.services is not None
        memory, live = InMemoryApiMemory(), LiveClients(lambda: known, stage.clock)
        poster, channels = Poster(stage.client), ChannelBook(stage.client)
        yield Desk(stage, ApiDesk(stage.services, live, memory, stage.forms, poster, channels), memory)


async def test_two_people_s_words_reach_the_quorum_and_the_history_says_through_whom(desk: Desk) -> None:
    request = await desk.stage.a_card(requirement=TWO)
    status, body = await desk.vote(request, ALICE)
    assert (status, body["status"], body["needs"]["people"]) == (200, "pending", 1)
    status, body = await desk.vote(request, CAROL)
    assert (status, body["status"]) == (200, "approved")
    told = [(actor, details["via"]) for actor, details in desk.noted("VoteCast")]
    assert told == [(ALICE, "api client chatops"), (CAROL, "api client chatops")]
    assert "Approved" in words(await desk.stage.shown(await desk.stage.approvals.load(request.id)))


async def test_one_person_counts_once_by_click_and_over_the_api(desk: Desk) -> None:
    request = await desk.stage.a_card(requirement=TWO)
    await desk.stage.click(request, ALICE, "approval.approve")
    status, body = await desk.vote(request, ALICE)
    assert (status, body["status"], body["needs"]["people"]) == (200, "pending", 1)
    assert await desk.people(request) == [ALICE]
    await desk.vote(request, CAROL)
    await desk.stage.click(request, CAROL, "approval.approve")
    assert await desk.people(request) == [ALICE, CAROL]


async def test_a_vote_row_without_its_unique_person_would_count_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await desk.stage.a_card(requirement=TWO)
    await desk.stage.click(request, ALICE, "approval.approve")
    approvals = desk.stage.approvals

    async def vote(vote: Any, event: Any = None) -> None:
        row = approvals.rows[vote.approval_id]
        approvals.rows[row.id] = row.model_copy(update={"votes": (*row.votes, vote)})

    monkeypatch.setattr(approvals, "vote", vote)
    await desk.vote(request, ALICE)
    assert len(await desk.people(request)) > 1


@pytest.mark.parametrize(
    ("person", "client", "fields", "more", "status", "why"),
    [
        ("U0ELSE", "chatops", {}, {}, 403, "ClientMayNotError"),
        (ALICE, "deploybot", {}, {}, 403, "ClientMayNotError"),
        (ALICE, "struck-out", {}, {}, 403, "ClientMayNotError"),
        (BOB, "chatops", {}, {}, 403, "NotAnApproverError"),
        (DAVE, "chatops", {"requirement": a_requirement(members_of={"sre": (DAVE,)})}, {}, 403, "NotAnApproverError"),
        (ALICE, "chatops", {"requester": ALICE}, {}, 403, "SelfApprovalError"),
        (ALICE, "both", {"requester": "api:both"}, {}, 403, "SelfApprovalError"),
        (ALICE, "chatops", {}, {"digest": "0" * 64}, 409, "StaleApprovalError"),
    ],
)
async def test_a_word_that_may_not_count_is_refused_and_written_down(
    desk: Desk, person: str, client: str, fields: dict[str, Any], more: dict[str, Any], status: int, why: str
) -> None:
    request = await desk.stage.a_card(**fields)
    answer, body = await desk.vote(request, person, client, **more)
    assert (answer, body["status"]) == (status, status)
    assert len(body["detail"].split()) > 5
    assert await desk.people(request) == []
    actor, details = desk.noted("VoteRefused")[0]
    assert (actor, details["why"], details["via"]) == (person, why, f"api client {client}")


async def test_a_client_that_everybody_may_speak_through_would_be_believed(desk: Desk) -> None:
    request = await desk.stage.a_card()

    known = clients(chatops={"may_vote_for": (ALICE,)})["chatops"]
    desk.desk.clients._known = {"deploybot": known}
    assert (await desk.vote(request, ALICE, "deploybot"))[0] == 200


async def test_a_desk_that_forgets_who_asked_would_let_a_client_approve_its_own_request(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = await desk.stage.a_card(requester="api:both")
    monkeypatch.setattr(approval_desk, "_check_not_its_own", lambda *_: None)
    assert (await desk.vote(request, ALICE, "both"))[1]["status"] == "approved"


@pytest.mark.parametrize(("person", "fields"), [(BOB, {}), (DAVE, {}), (ALICE, {"requester": ALICE})])
async def test_a_desk_that_checks_nobody_would_take_anybody_s_word(
    desk: Desk, person: str, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: object) -> tuple[str, ...]:
        return ("sre",)

    async def standing(self: ApprovalDesk, request: ApprovalRequest) -> list[Any]:
        return list(request.votes)

    monkeypatch.setattr(ApprovalDesk, "_check", nobody)
    monkeypatch.setattr(ApprovalDesk, "_standing", standing)
    request = await desk.stage.a_card(**fields)
    assert (await desk.vote(request, person))[1]["status"] == "approved"


async def test_a_freeze_and_a_late_word_are_answered_as_to_a_click(desk: Desk) -> None:
    request = await desk.stage.a_card()
    await desk.stage.freeze.turn_on(ALICE, "moving")
    status, body = await desk.vote(request, ALICE)
    assert (status, body["type"]) == (409, "urn:watchkeeper:frozen")
    await desk.stage.freeze.turn_off(ALICE)
    desk.stage.clock.advance(hours=1)
    status, body = await desk.vote(request, ALICE)
    assert (status, body["type"]) == (409, "urn:watchkeeper:approval-expired")


async def test_what_does_not_exist_is_404(desk: Desk) -> None:
    request = await desk.stage.a_card()
    assert (await desk.vote(request.model_copy(update={"id": "apr_none"}), ALICE))[0] == 404


async def test_an_ask_is_said_in_the_channel_once_and_proposed_in_its_thread(desk: Desk) -> None:
    status, body = await desk.ask(reason="*bold* <!channel>")
    assert (status, body["id"]) == (202, "apr_1")
    (event,) = desk.stage.queue.waiting
    assert (event.kind, event.body["requester"]) == ("job.propose", "api:deploybot")
    said = [message for message in await desk.stage.history(channel=INCIDENTS) if "deploybot" in words(message)]
    place: Any = event.body["place"]
    assert [message["ts"] for message in said] == [place["thread_ts"]]
    assert "<!channel>" not in said[0]["text"]


async def test_a_client_that_may_not_ask_is_refused_and_written_down_once(desk: Desk) -> None:
    status, body = await desk.ask("chatops")
    assert (status, body["type"]) == (403, "urn:watchkeeper:client-may-not")
    assert desk.stage.queue.waiting == []
    assert desk.noted("AskRefused") == [("api:chatops", {"why": body["detail"]})]


async def test_wrong_arguments_are_told_before_anybody_is_bothered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(desk.desk.forms), "faults", lambda *_: {"service": "There is no service x"})
    status, body = await desk.ask()
    assert (status, "service: There is no service x" in body["detail"]) == (422, True)
    assert not [message for message in await desk.stage.history(channel=INCIDENTS) if "deploybot" in words(message)]
