"""What people read is what runs: two hundred nasty arguments from the plan by SQL and Slack to the target."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import open_database
from bot.cards import SlackCards
from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.exact_call import exact_call, fits
from core.risk import Risk
from core.tool_call import ToolCall, ToolResult, canonical_json
from tests.bot.stage import INCIDENTS, Stage, open_stage
from tests.bot.test_blocks_exact_call import code_of, decoded
from tests.fakes.audit import InMemoryAudit
from tests.fakes.databases import *
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_request
from tests.security.nasty_arguments import nasty_arguments
from tools.environment import Environment, Service
from tools.fetch import fetch
from tools.guard import Guard
from tools.registry import Registry
from tools.spec import ActArguments, Action, Preview, Stamp, ToolSpec

CORPUS = nasty_arguments()


class WriteNote(ActArguments):
    """Where, and what: any text at all."""

    text: str


@dataclass
class Line:
    """The whole way of a call: a target, a guard over SQL, and cards in the local Slack workspace."""

    stage: Stage
    approvals: SqlApprovals
    guard: Guard
    received: list[bytes]
    cards: SlackCards
    audit: InMemoryAudit

    async def asked(self, text: str) -> ApprovalRequest:
        """Plan the call, write its request and show its card."""
        plan = await self.guard.plan(ToolCall(name="write_note", args={"service": "checkout", "text": text}))
        root = await self.stage.client.chat_postMessage(channel=INCIDENTS, text="root")
        where = {"channel": INCIDENTS, "thread_ts": root["ts"], "incident_id": None}
        row = await self.approvals.create(a_request(plan=plan, created_at=self.stage.clock.now(), **where))
        await self.cards.show_approval(row.id)
        return await self.approvals.load(row.id)

    async def shown(self, row: ApprovalRequest) -> tuple[str, dict[str, Any]]:
        """Return the call as somebody reads it in Slack: off the card, or off the file beside it."""
        thread = await self.stage.history(thread_ts=row.thread_ts)
        card = next(message for message in thread if message["ts"] == row.card_ts)
        if fits(row.plan.call):
            return decoded(code_of(card["blocks"]))
        (file,) = [file for message in thread for file in message.get("files") or [] if "call" in file["name"]]
        return decoded((await self.stage.http.get(file["url_private"])).content.decode())

    async def run(self, row: ApprovalRequest) -> ToolResult:
        """Have it approved and carried out."""
        now = self.stage.clock.now()
        await self.approvals.vote(Vote(approval_id=row.id, person="U0BOB", choice="approve", at=now))
        until = now + row.requirement.execute_within
        given = {"digest": row.digest, "status": ApprovalStatus.APPROVED, "now": now, "execute_by": until}
        assert await self.approvals.claim(row.id, **given)
        await self.audit.record(await self.approvals.load(row.id))
        grant = Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=until)
        return await self.guard.execute(row, grant)


def write_note(environment: Environment, url: str) -> ToolSpec[WriteNote]:
    """A tool that hands its arguments to its target."""

    async def dry_run(args: WriteNote) -> Preview:
        return Preview({"note": None}, {"note": "new"}, "+ a note", 1)

    async def run(args: WriteNote, stamp: Stamp) -> ToolResult:
        await fetch(environment.http, "POST", url, json_body={"id": stamp.action_id, "args": args.model_dump()})
        return ToolResult(status="ok", text="written")

    async def read_back(args: WriteNote, action_id: str) -> ToolResult | None:
        return None

    action: Action[WriteNote] = Action(
        impact="A note.", dry_run=dry_run, precondition=lambda args, preview: {"resource_version": 1},
        rollback=lambda args, preview: None, run=run, read_back=read_back,
    )  # fmt: skip
    return ToolSpec(
        name="write_note", description="Writes.", args=WriteNote, risk=Risk.REVERSIBLE, timeout=5, action=action
    )


@asynccontextmanager
async def target(received: list[bytes]) -> AsyncIterator[str]:
    """Yield the address of something that keeps what it is sent, byte for byte."""

    async def keep(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/", keep)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.fixture
async def line(database_url: str, tmp_path: Path) -> AsyncIterator[Line]:
    received: list[bytes] = []
    database = open_database(database_url)
    client = httpx.AsyncClient(trust_env=False, verify=False)
    async with target(received) as url, client as http, open_stage() as stage:
        stage.ws.workspace.faults.rate_limits = 0
        service = Service(name="checkout", env="prod", url=url)
        environment = Environment([service], None, None, "", http, stage.clock)
        registry = Registry(environment, [write_note(environment, url)])
        approvals = SqlApprovals(database, SystemClock())
        audit = InMemoryAudit()
        guard = Guard(registry, approvals, InMemoryEffects(audit), audit, stage.clock, lambda: False)
        cards = stage.cards(approvals=approvals, approval_queue=approvals)
        yield Line(stage, approvals, guard, received, cards, audit)
    await database.close()


async def in_turns(texts: Sequence[str], do: Callable[[str], Any]) -> list[Any]:
    """Do it for all, four at a time."""
    gate = asyncio.Semaphore(4)

    async def one(text: str) -> Any:
        async with gate:
            return await do(text)

    return await asyncio.gather(*(one(text) for text in texts))


def test_the_corpus_has_two_hundred_arguments() -> None:
    assert len(CORPUS) == 200
    assert sum(not fits(ToolCall(name="write_note", args={"text": text})) for text in CORPUS) >= 10


async def test_what_two_hundred_cards_show_is_what_the_target_receives(line: Line) -> None:
    async def through(text: str) -> tuple[bytes, str]:
        row = await line.asked(text)
        name, args = await line.shown(row)
        assert name == "write_note"
        assert (await line.run(row)).status == "ok"
        return canonical_json(args), row.action_id

    shown = await in_turns(CORPUS, through)
    bodies = {body["id"]: body["args"] for body in map(json.loads, line.received)}
    assert len(line.received) == len(bodies) == 200
    assert [text for text, (said, action_id) in zip(CORPUS, shown, strict=True)
            if said != canonical_json(bodies[action_id])] == []  # fmt: skip
    assert [bodies[action_id]["text"] for _, action_id in shown] == CORPUS


BROKEN: dict[str, Callable[[ToolCall], str]] = {
    "strips": lambda call: exact_call(ToolCall(name=call.name, args={k: str(v).strip() for k, v in call.args.items()})),
    "truncates": lambda call: exact_call(call)[:2000],
    "shows invisible characters as they are": lambda call: "\n".join(
        [call.name, *(f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in call.args.items())]
    ).replace("\u200b", ""),
    "does not quote": lambda call: "\n".join([call.name, *(f"  {k}: {v}" for k, v in call.args.items())]),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_the_twin_whose_card_shows_something_else_is_caught(
    line: Line, broken: Callable[[ToolCall], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for shower in ("bot.blocks.approval_card", "bot.cards.slack_cards"):
        monkeypatch.setattr(f"{shower}.exact_plan", lambda plan: broken(plan.call))

    async def differs(text: str) -> bool:
        row = await line.asked(text)
        try:
            return canonical_json((await line.shown(row))[1]) != canonical_json(row.plan.call.args)
        except (ValueError, KeyError):
            return True

    deceiving = [" leading", "x" * 2900, "zero\u200bwidth", 'x"\n  workers: 99']
    assert any(await in_turns(deceiving, differs))
