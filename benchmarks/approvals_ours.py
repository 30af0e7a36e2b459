"""Our side of benchmarks.approvals: a whole worker over a real Redis and SQLite, clicked as Slack does it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

from benchmarks.approvals_rows import ASKER, Click
from bot.adapters.database.approval_store import SqlApprovals
from core.approval import ApprovalRequest, ApprovalStatus
from core.event import Event
from tests.chaos.inside.place import Place
from tests.chaos.inside.system import System


class Ours:
    """Implements benchmarks.approvals_rows.Loop; a request is what people are shown."""

    name = "ours"

    def __init__(self, system: System) -> None:
        self._system = system
        self._armed = ""

    async def ask(self, by: str = ASKER, service: str = "checkout", then: bool = False) -> ApprovalRequest:
        """Mention us, and wait for the card."""
        return await self._asked(by, service, 5)

    async def _asked(self, by: str, service: str, workers: int, thread: str = "") -> ApprovalRequest:
        self._system.knobs.workers[service] = 2  # what is so already is not proposed
        before = {row.id for row in await self._requests()}
        said = f"scale {service} to {workers}"
        await self._system.arrive(self._system.stimuli.asks(by, said, thread), said)
        await self._rest()
        return next(row for row in await self._requests() if row.id not in before and row.card_ts)

    async def click(self, *clicks: Click, copies: int = 1) -> list[str]:
        """Press the buttons."""
        whispered = len(self._system.board.whispers)
        for each in clicks:
            await self._system.arrive(self._event(each), f"{each.person} {each.word}", copies)
        await self._rest()
        refused = {each["user"] for each in self._system.board.whispers[whispered:]}
        return ["refused" if each.person in refused else each.word for each in clicks]

    def _event(self, click: Click) -> Event:
        told = self._system.stimuli
        return (told.approves if click.word == "approve" else told.rejects)(click.pause, click.person)

    async def edit(self, pause: ApprovalRequest, person: str, workers: int) -> None:
        """Send the form."""
        await self._system.arrive(self._system.stimuli.edits(pause, person, pause.plan.service, workers), "edit")
        await self._rest()

    async def next_pause(self) -> ApprovalRequest:
        """Return the request that waits, after an edit; else ask for one more in the last one's thread."""
        waiting = await self._requests(ApprovalStatus.PENDING)
        if waiting:
            return waiting[-1]
        last = (await self._requests())[-1]
        return await self._asked(ASKER, "checkout", 7, last.thread_ts)

    async def restart(self) -> None:
        """Kill the worker, start another."""
        for node in self._system.alive:
            node.kill()
        self._system.add_worker()

    async def arm(self, what: str) -> None:
        """Freeze and tamper follow on the claim; the worker dies right after the target has acted."""
        self._armed = what
        if what == "kill":
            for node in self._system.alive:
                node.plug.burn_at("target act")

    async def decided(self, approval_id: str) -> None:
        """Do what was armed, now that a decision is written."""
        armed, self._armed = self._armed, ""
        if armed == "freeze":
            await self._system.freeze(True)
        elif armed == "tamper":
            found = await self._requests()
            await self._system.tamper(next(row for row in found if row.id == approval_id))

    async def drift(self) -> None:
        """Change the service's resource version."""
        self._system.knobs.turn("checkout")

    async def tomorrow(self) -> None:
        """Advance the clock; nobody has swept yet when the click comes."""
        self._system.clock.advance(days=1)

    def effects(self) -> list[int]:
        """Return the target's ledger."""
        return [int(str(act.call.args["workers"])) for act in self._system.knobs.ledger]

    async def end(self, pause: ApprovalRequest) -> str:
        """Return the row's status, once whatever is due was swept."""
        await self._system.sweep()
        await self._rest()
        return next(row.status.value for row in await self._requests() if row.id == pause.id)

    async def _requests(self, *statuses: ApprovalStatus) -> list[ApprovalRequest]:
        store = SqlApprovals(self._system._rows, self._system.clock)
        return [await store.load(each) for each in self._system.ids(*statuses)]

    async def _rest(self) -> None:
        await self._system.idle()
        if not self._system.alive:
            self._system.add_worker()
            await self._system.idle()
        await self._system.sweep()
        await self._system.idle()


@asynccontextmanager
async def open_ours(place: Place) -> AsyncIterator[Ours]:
    """Yield a fresh one; rows and Redis are empty."""
    system = System(place)
    await system.open(workers=1)
    ours = Ours(system)
    claim = SqlApprovals.claim

    async def watched(store: SqlApprovals, approval_id: str, **given: Any) -> bool:
        won = await claim(store, approval_id, **given)
        if won:
            await ours.decided(approval_id)
        return won

    try:
        with mock.patch.object(SqlApprovals, "claim", watched):
            yield ours
    finally:
        await system.close()
