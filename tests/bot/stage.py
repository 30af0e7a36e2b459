"""The real listeners and cards over the local Slack workspace: what Slack sends is dispatched as in the worker."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.answers import waits_for_answer
from bot.app import build_app
from bot.cards import SlackCards
from bot.directory import SlackDirectory
from bot.services import Services
from bot.web.links import TimelineLinks
from core.approval import ApprovalRequest
from core.brief import Brief, Proposal
from core.evidence import Report
from core.policy import Policy, PolicyFile
from core.ports import Forms, GraphRunner, ToolBox
from core.services.alert_intake import AlertIntake
from core.services.approval_desk import ApprovalDesk
from core.services.dead_letters import DeadLetterDesk
from core.services.editing import Editing
from core.services.freeze import FreezeSwitch
from core.services.grant_book import GrantBook
from core.services.granting import Granting
from core.services.investigation import Investigation
from core.services.remediation import Remediation
from core.tool_call import ToolCall
from demo.slack import LocalWorkspace
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import FakeClock
from tests.fakes.deliveries import InMemoryDeliveries
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_request, a_requirement, an_alert
from tests.fakes.freeze import InMemorySwitches
from tests.fakes.grants import InMemoryGrants
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports
from tests.fakes.toolbox import PretendToolBox
from tests.fakes.waiting import wait_until

ALICE, CAROL, BOB, DAVE = "U0ALICE", "U0CAROL", "U0BOB", "U0DAVE"
INCIDENTS, OPS = "C0INCIDENTS", "C0OPS"


NOTHING_ALLOWED = {"version": 1, "groups": {}, "rules": [{"name": "none", "effect": "deny"}]}


class NoFaults:
    """Implements core.ports.Forms: whatever is typed is well."""

    def faults(self, call: ToolCall) -> Mapping[str, str]:
        """Find nothing."""
        return {}


@dataclass
class Stage:
    """A workspace, the rows, and the cards over them; `slack` is what Slack shows, `act` what people do."""

    ws: LocalWorkspace
    http: httpx.AsyncClient
    client: AsyncWebClient
    clock: FakeClock
    approvals: InMemoryApprovals = field(default_factory=InMemoryApprovals)
    audit: InMemoryAudit = field(default_factory=InMemoryAudit)
    incidents: InMemoryIncidents = field(default_factory=InMemoryIncidents)
    reports: InMemoryReports = field(default_factory=InMemoryReports)
    effects: InMemoryEffects = field(default_factory=InMemoryEffects)
    queue: InMemoryQueue = field(default_factory=InMemoryQueue)
    letters: InMemoryDeliveries = field(default_factory=InMemoryDeliveries)
    dispatched: int = 0
    toolbox: ToolBox = field(default_factory=PretendToolBox)
    forms: Forms = field(default_factory=NoFaults)
    unfit: str = ""
    notes: tuple[str, ...] = ()
    rules: dict[str, Any] = field(default_factory=lambda: NOTHING_ALLOWED)
    services: Services | None = None

    def __post_init__(self) -> None:
        directory = SlackDirectory(self.client, self.clock)
        switches = InMemorySwitches(self.audit)
        self.freeze = FreezeSwitch(switches, directory, self.audit, self.clock, lambda: {"sre": ("S0SRE",)})
        self.approvals.audit = self.audit
        self.grants = InMemoryGrants(self.approvals, self.audit)

    def cards(self, **changes: Any) -> SlackCards:
        """Return cards as a fresh process has them: nothing remembered but the rows."""
        links = TimelineLinks("https://bot.example", "a secret of this test", self.clock)
        given: dict[str, Any] = {
            "incidents": self.incidents,
            "reports": self.reports,
            "approvals": self.approvals,
            "approval_queue": self.approvals,
            "audit": self.audit,
            "directory": SlackDirectory(self.client, self.clock),
            "links": links,
            "incident_channel": "#incidents",
            "freeze": self.freeze.state,
        }
        return SlackCards(self.client, **(given | changes))

    async def an_incident(self) -> str:
        """Open one with its card; returns its id."""
        incident, _ = await self.incidents.join(an_alert(), self.clock.now())
        await self.cards().show_incident(incident.id)
        return incident.id

    async def a_card(self, **fields: Any) -> ApprovalRequest:
        """Write a request of an alert's into an incident's thread and show its card."""
        incident = await self.incidents.load(await self.an_incident())
        given = {"requester": "alert", "channel": incident.channel, "thread_ts": incident.thread_ts}
        given |= {"incident_id": incident.id, "created_at": self.clock.now()}
        request = await self.approvals.create(a_request(**(given | fields)))
        await self.audit.record(request)
        await self.cards().show_approval(request.id)
        return await self.approvals.load(request.id)

    async def act(self, verb: str, **what: Any) -> dict[str, Any]:
        """Do what a person does in Slack; returns the workspace's answer once the bot has finished with it."""
        seen = self.dispatched
        answer = (await self.http.post(f"/control/{verb}", json=what)).json()
        if answer.get("ok"):
            await wait_until(lambda: self.dispatched > seen)
        return answer

    async def click(self, request: ApprovalRequest, person: str, action_id: str, **more: Any) -> dict[str, Any]:
        """Press a button of the request's card."""
        where = {"channel": request.channel, "ts": request.card_ts}
        return await self.act("click", **{"as": person}, **where, action_id=action_id, **more)

    async def history(self, person: str = ALICE, channel: str = INCIDENTS, thread_ts: str = "") -> list[dict[str, Any]]:
        """Return what that person sees."""
        query = {"as": person, "channel": channel} | ({"thread_ts": thread_ts} if thread_ts else {})
        return (await self.http.get("/control/history", params=query)).json()["messages"]

    async def shown(self, request: ApprovalRequest) -> dict[str, Any]:
        """Return the request's card as Slack has it."""
        thread = await self.history(channel=request.channel, thread_ts=request.thread_ts)
        return next(message for message in thread if message["ts"] == request.card_ts)

    async def whispers(self, person: str, channel: str = INCIDENTS, thread_ts: str = "") -> list[str]:
        """Return what only that person sees."""
        seen = await self.history(person, channel, thread_ts)
        return [words(message) for message in seen if message.get("is_ephemeral")]

    async def calls(self, method: str) -> list[dict[str, Any]]:
        """Return the Web API calls that Slack got."""
        return (await self.http.get("/control/calls", params={"method": method})).json()["calls"]


def words(value: object) -> str:
    """Return all text of a message, its blocks included."""
    if isinstance(value, dict):
        own = [value[key] for key in ("text", "value") if isinstance(value.get(key), str)]
        return " ".join([*own, *(words(item) for item in value.values() if isinstance(item, dict | list))])
    return " ".join(words(item) for item in value) if isinstance(value, list) else ""


def buttons(message: dict[str, Any]) -> list[str]:
    """Return the labels of a message's buttons."""
    rows = [block for block in message.get("blocks") or [] if block["type"] == "actions"]
    return [element["text"]["text"] for row in rows for element in row["elements"]]


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    """Yield a stage whose cards can be shown; nobody listens yet."""
    async with LocalWorkspace() as ws, httpx.AsyncClient(base_url=ws.url, trust_env=False) as http:
        client = AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url=f"{ws.url}/api/")
        yield Stage(ws, http, client, FakeClock(datetime.now(UTC)))


class NoGraphs:
    """Implements core.ports.GraphRunner for tests that end at the queue: whatever is asked of it fails."""

    async def investigate(self, brief: Brief) -> Report:
        """Fail."""
        raise AssertionError(brief)

    async def remediate(self, proposal: Proposal) -> None:
        """Fail."""
        raise AssertionError(proposal)

    async def resume(self, request: ApprovalRequest) -> bool:
        """Fail."""
        raise AssertionError(request)


@asynccontextmanager
async def open_listening_stage(
    runner: GraphRunner | None = None, prepare: Callable[[Stage], None] = lambda stage: None
) -> AsyncIterator[Stage]:
    """Yield a stage with the app connected by Socket Mode; what arrives is acknowledged, then dispatched."""
    async with open_stage() as stage:
        who = await stage.client.auth_test()
        identity = AuthorizeResult.from_auth_test_response(auth_test_response=who, bot_token=stage.client.token)
        prepare(stage)
        stage.services = _services(stage, runner or NoGraphs())
        app = build_app(stage.services, identity, stage.client)
        line = SocketModeClient(
            "xapp-local-watchkeeper-app", web_client=AsyncWebClient(base_url=f"{stage.ws.url}/api/")
        )
        working: set[asyncio.Task[Any]] = set()

        async def take(link: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
            if not waits_for_answer(request.payload):
                await link.send_socket_mode_response(SocketModeResponse(request.envelope_id))
                await _kept(working, _dispatch(request))
                return
            said = await _dispatch(request)
            answer = SocketModeResponse(request.envelope_id, json.loads(said) if said else None)
            await link.send_socket_mode_response(answer)

        async def _dispatch(request: SocketModeRequest) -> str:
            answer = await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=request.payload))
            assert answer.status < 500
            # The bot hears its own posts and edits too; nobody waits for those.
            stage.dispatched += not {"bot_id", "subtype"} & set(request.payload.get("event", {}))
            return answer.body

        line.socket_mode_request_listeners.append(take)
        await line.connect()
        try:
            yield stage
        finally:
            await asyncio.gather(*working)
            await line.disconnect()
            await line.close()


async def _kept(tasks: set[asyncio.Task[Any]], work: Awaitable[Any]) -> None:
    task = asyncio.ensure_future(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    await task


def _services(stage: Stage, runner: GraphRunner) -> Services:
    directory = SlackDirectory(stage.client, stage.clock)
    policy = Policy(PolicyFile.model_validate(stage.rules), a_requirement().policy_sha256)
    freeze = stage.freeze
    book = GrantBook(stage.grants, directory, policy, stage.audit, stage.clock, lambda name: name == "run_command")
    cards = stage.cards(grants=book)
    desk = ApprovalDesk(
        stage.approvals, directory, policy, stage.queue, stage.audit, stage.clock, frozen=freeze.why, grants=book
    )
    remediation = Remediation(runner, stage.approvals, stage.approvals, stage.queue, stage.clock)
    return Services(
        desk=desk,
        investigation=Investigation(
            runner, stage.incidents, stage.reports, remediation, cards, stage.audit, stage.clock
        ),
        remediation=remediation,
        intake=AlertIntake(stage.incidents, stage.reports, cards, stage.queue, stage.audit, stage.clock),
        incidents=stage.incidents,
        reports=stage.reports,
        approvals=stage.approvals,
        approval_queue=stage.approvals,
        cards=cards,
        directory=directory,
        audit=stage.audit,
        queue=stage.queue,
        clock=stage.clock,
        dead_letters=DeadLetterDesk(stage.letters, stage.audit, stage.clock),
        freeze=freeze,
        editing=Editing(
            desk, stage.approvals, stage.approvals, stage.toolbox, stage.forms, runner, cards, stage.queue, stage.clock
        ),
        granting=Granting(book, stage.approvals, stage.approvals, cards.show_approval),
        approvers=lambda: ("S0SRE",),
        unfit=lambda: stage.unfit,
        notes=lambda: stage.notes,
    )
