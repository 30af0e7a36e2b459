"""The worker: each event reaches its use case, refusals are told to who asked, only what may pass is repeated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot import app as bolt
from bot.intake import event_of
from bot.services import Services
from bot.slack_link import own_ids
from bot.worker import Worker
from core.brief import Place
from core.errors import NotAnApproverError, TransientError
from core.event import Event
from core.person import Person
from core.services.alert_intake import REFRESH_SPAN, AlertIntake
from core.services.approval_desk import ApprovalDesk
from core.services.dead_letters import DeadLetterDesk
from core.services.freeze import FreezeSwitch
from core.services.grant_book import GrantBook
from core.services.granting import Granting
from core.services.investigation import Investigation
from core.services.remediation import Remediation
from core.tool_call import ToolCall
from demo.slack import LocalWorkspace
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import START, FakeClock
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.examples import a_report, an_alert, an_event
from tests.fakes.freeze import InMemorySwitches
from tests.fakes.grants import InMemoryGrants
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports
from tests.fakes.waiting import wait_until

BOT = "xoxb-local-watchkeeper-bot"
IDENTITY = AuthorizeResult(
    enterprise_id=None, team_id="T00WATCH", bot_token=BOT, bot_user_id="U0WATCH", bot_id="B0WATCH"
)


@dataclass
class ScriptedRunner:
    """Implements core.ports.GraphRunner; raises what it is told to, and notes what it was asked."""

    fault: Exception | None = None
    hold: Callable[[Any], Awaitable[object]] = lambda _: asyncio.sleep(0)
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def investigate(self, brief: Any) -> Any:
        self._note("investigate", brief.question or brief.incident_id)
        await self.hold(brief)
        return a_report(id=brief.report_id, incident_id=brief.incident_id)

    async def remediate(self, proposal: Any) -> None:
        self._note("remediate", proposal.remediation_id)

    async def resume(self, request: Any) -> bool:
        self._note("resume", request.id)
        return True

    def _note(self, what: str, which: str) -> None:
        self.asked.append((what, which))
        if self.fault is not None:
            raise self.fault


@dataclass
class House:
    """A worker over stand-ins, with a workspace that shows what people see."""

    worker: Worker
    runner: ScriptedRunner
    cards: RecordingCards
    queue: InMemoryQueue
    incidents: InMemoryIncidents
    clock: FakeClock
    app: AsyncApp


def services_of(runner: ScriptedRunner, cards: RecordingCards, queue: InMemoryQueue) -> Services:
    clock, audit, incidents = FakeClock(), InMemoryAudit(), InMemoryIncidents()
    approvals, reports = InMemoryApprovals(), InMemoryReports()
    directory = InMemoryDirectory([Person(id="U0ALICE", name="Alice")])
    remediation = Remediation(runner, approvals, approvals, queue, clock)
    policy: Any = None
    book = GrantBook(InMemoryGrants(approvals, audit), directory, policy, audit, clock)
    return Services(
        desk=ApprovalDesk(approvals, directory, None, queue, audit, clock),  # pyright: ignore[reportArgumentType]
        investigation=Investigation(runner, incidents, reports, remediation, cards, audit, clock),
        remediation=remediation,
        intake=AlertIntake(incidents, reports, cards, queue, audit, clock),
        incidents=incidents,
        reports=reports,
        approvals=approvals,
        approval_queue=approvals,
        cards=cards,
        directory=directory,
        audit=audit,
        queue=queue,
        clock=clock,
        dead_letters=DeadLetterDesk(InMemoryDeliveries(), audit, clock),
        freeze=FreezeSwitch(InMemorySwitches(), directory, audit, clock, dict),
        editing=None,  # pyright: ignore[reportArgumentType]
        granting=Granting(book, approvals, approvals),
    )


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(port=0) as workspace:
        yield workspace


@pytest.fixture
def house(workspace: LocalWorkspace) -> House:
    runner, cards, queue = ScriptedRunner(), RecordingCards(), InMemoryQueue()
    services = services_of(runner, cards, queue)
    client = AsyncWebClient(token=BOT, base_url=f"{workspace.url}/api/")
    app = bolt.build_app(services, IDENTITY, client)
    worker = Worker(app, services, pause=0, ours=own_ids(IDENTITY))
    return House(worker, runner, cards, queue, services.incidents, services.clock, app)  # pyright: ignore


def ephemerals(workspace: LocalWorkspace) -> list[str]:
    calls = [call for call in workspace.workspace.calls if call["method"] == "chat.postEphemeral"]
    return [call["args"]["text"] for call in calls]


async def test_an_alert_opens_an_incident_and_asks_for_an_investigation(house: House) -> None:
    await house.worker.handle(an_event(kind="alert", body=an_alert().model_dump(mode="json")))
    assert [event.kind for event in house.queue.waiting] == ["job.investigate"]
    await house.queue.drain(house.worker.handle)
    assert [what for what, _ in house.runner.asked] == ["investigate"]


async def test_a_storm_on_one_incident_is_one_refresh_of_its_card(house: House) -> None:
    def storm(number: int) -> Event:
        return an_event(kind="alert", body=an_alert(fingerprint=f"f{number}").model_dump(mode="json"))

    await house.worker.handle(storm(0))
    (incident,) = await house.incidents.open()
    await house.incidents.place(incident.id, "C0INCIDENTS", "1.0")
    first = house.cards.shown.count(("incident", incident.id))
    for number in range(1, 50):
        await house.worker.handle(storm(number))
    refreshes = [event for event in house.queue.waiting if event.kind == "job.refresh"]
    assert len(refreshes) == 1
    assert house.cards.shown.count(("incident", incident.id)) == first
    house.clock.advance(seconds=2)
    await house.worker.handle(refreshes[0])
    assert house.cards.shown.count(("incident", incident.id)) == first + 1


@pytest.mark.parametrize(("bot_id", "jobs"), [("B0PROM", ["job.investigate"]), ("B0WATCH", [])])
async def test_an_alert_message_of_another_bot_goes_the_same_way_and_our_own_does_not(
    house: House, bot_id: str, jobs: list[str]
) -> None:
    message = {
        "type": "message",
        "channel": "C0OPS",
        "ts": "1.0",
        "bot_id": bot_id,
        "attachments": [{"title": "[FIRING:1] HighErrorRate", "text": "service: checkout"}],
    }
    payload = {"type": "event_callback", "event_id": "Ev1", "team_id": "T00WATCH", "event": message}
    await house.worker.handle(event_of(payload, FakeClock()))
    assert [event.kind for event in house.queue.waiting] == jobs


async def test_a_question_does_not_wait_behind_a_storm_of_alerts(house: House) -> None:
    held = asyncio.Event()
    house.runner.hold = lambda brief: held.wait() if brief.incident_id else asyncio.sleep(0)
    incidents = [(await house.incidents.join(an_alert(service=f"s{number}"), START))[0] for number in range(8)]
    storm = [
        asyncio.create_task(
            house.worker.handle(
                an_event(
                    id=each.id,
                    kind="job.investigate",
                    body={"incident_id": each.id, "requester": "alert", "look": "first"},
                )
            )
        )
        for each in incidents
    ]
    await wait_until(lambda: len(house.runner.asked) == 5)
    async with asyncio.timeout(5):
        await house.worker.handle(an_event(id="q", kind="job.ask", body=ASK))
    assert house.runner.asked[5:] == [("investigate", "why?")]
    held.set()
    await asyncio.gather(*storm)


async def test_a_question_reaches_its_investigation(house: House) -> None:
    body = {"question": "why?", "requester": "U0ALICE", "channel": "C0OPS", "thread_ts": "1.0", "message_ts": "1.0"}
    await house.worker.handle(an_event(kind="job.ask", body=body))
    assert house.runner.asked == [("investigate", "why?")]


@pytest.mark.parametrize("kind", ["job.unheard_of", "slack.telegram"])
async def test_an_event_of_an_unknown_kind_is_dropped(house: House, kind: str) -> None:
    await house.worker.handle(an_event(kind=kind))
    assert house.runner.asked == []


ASK = {"question": "why?", "requester": "U0ALICE", "channel": "C0OPS", "thread_ts": "1.0", "message_ts": "1.0"}


async def test_a_refused_job_is_told_in_its_thread_and_not_repeated(house: House) -> None:
    house.runner.fault = NotAnApproverError("Not for you.")
    await house.worker.handle(an_event(id="e1", kind="job.ask", body=ASK))
    assert house.cards.said == {"failed:e1": "Not for you."}


async def test_a_broken_job_is_told_once_with_a_reference_and_repeated(house: House) -> None:
    house.runner.fault = ValueError("the password is tomato")
    for _ in range(2):
        with pytest.raises(ValueError, match="tomato"):
            await house.worker.handle(an_event(id="e1", kind="job.ask", body=ASK))
    (sentence,) = house.cards.said.values()
    assert "ref_" in sentence
    assert "tomato" not in sentence


async def test_an_interrupted_job_is_repeated_in_silence(house: House) -> None:
    house.runner.fault = TransientError("redis: ConnectionError")
    with pytest.raises(TransientError):
        await house.worker.handle(an_event(kind="job.ask", body=ASK))
    assert house.cards.said == {}


def press(action_id: str) -> Event:
    payload = {
        "type": "block_actions",
        "user": {"id": "U0ALICE", "team_id": "T00WATCH"},
        "team": {"id": "T00WATCH"},
        "channel": {"id": "C0OPS"},
        "message": {"ts": "1.0"},
        "trigger_id": "1.1",
        "actions": [{"type": "button", "action_id": action_id, "block_id": "b", "value": "x", "action_ts": "1.2"}],
    }
    return event_of(payload, FakeClock())


def listen(house: House, fault: Exception) -> None:
    async def broken(ack: Any) -> None:
        await ack()
        raise fault

    house.app.action("test.press")(broken)


async def test_a_refusal_is_whispered_to_who_clicked_as_written(house: House, workspace: LocalWorkspace) -> None:
    listen(house, NotAnApproverError("Only members of sre may decide this request."))
    await house.worker.handle(press("test.press"))
    assert ephemerals(workspace) == ["Only members of sre may decide this request."]


async def test_a_fault_in_a_listener_shows_a_reference_and_nothing_else(
    house: House, workspace: LocalWorkspace
) -> None:
    listen(house, KeyError("xoxb-inner-detail"))
    await house.worker.handle(press("test.press"))
    (sentence,) = ephemerals(workspace)
    assert sentence.startswith("Something went wrong (ref ref_")
    assert "inner-detail" not in sentence


async def test_an_interrupted_listener_is_repeated(house: House, workspace: LocalWorkspace) -> None:
    listen(house, TransientError("database: OperationalError"))
    with pytest.raises(TransientError):
        await house.worker.handle(press("test.press"))
    assert ephemerals(workspace) == []


async def test_a_dispatch_ends_only_when_its_listener_has_ended(house: House) -> None:
    done: list[str] = []

    async def slow(ack: Any) -> None:
        await ack()
        await house.cards.say(Place(channel="C1", thread_ts="1.0"), "working", key="k")
        done.append("all of it")

    house.app.action("test.press")(slow)
    await house.worker.handle(press("test.press"))
    assert done == ["all of it"]


async def test_a_refresh_waits_for_its_span_and_no_longer_when_the_clock_was_set_back(house: House) -> None:
    (incident, _) = await house.incidents.join(an_alert(), START)
    later = START + timedelta(hours=1)
    async with asyncio.timeout(REFRESH_SPAN.total_seconds() + 3):
        job = an_event(kind="job.refresh", body={"incident_id": incident.id}, received_at=later)
        await house.worker.handle(job)
    assert house.cards.shown == [("incident", incident.id)]


@pytest.mark.parametrize("fault", [None, NotAnApproverError("no"), TransientError("redis: gone")])
async def test_a_report_is_settled_once_its_proposal_is_asked_for_or_refused(
    house: House, fault: Exception | None
) -> None:
    report = a_report(id="rep_1", proposal=ToolCall(name="restart_service", args={"service": "checkout"}))
    await house.worker.services.reports.save(report)
    await house.worker.services.investigation.show("rep_1")
    (job,) = [each for each in house.queue.waiting if each.kind == "job.propose"]
    unshown = house.worker.services.reports.unshown
    assert await unshown(START + timedelta(hours=1)) == ["rep_1"], "the job may be lost with Redis"
    house.runner.fault = fault
    with suppress(TransientError):
        await house.worker.handle(job)
    owed = ["rep_1"] if isinstance(fault, TransientError) else []
    assert await unshown(START + timedelta(hours=1)) == owed
