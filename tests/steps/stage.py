"""A plan's whole way with real graphs, desk and guard over rows in memory, and a kill -9 at any call between them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
from langgraph.checkpoint.memory import InMemorySaver

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Proposal
from core.event import Event
from core.policy import Policy, PolicyFile
from core.services.approval_desk import ApprovalDesk
from core.services.remediation import Remediation
from core.services.remediation_rows import rows_of
from core.services.sweeper import Sweeper
from core.stepped_plan import overall
from core.tool_call import ToolCall
from graphs.context import GraphContext
from graphs.remediation.graph import compile_graph
from graphs.runner import LangGraphRunner
from tests.fakes.effects import InMemoryEffects
from tests.graphs.world import ALICE, BOB, World, a_proposal, approval_of
from tests.steps.target import Target
from tools.guard import Guard

THREAD = "remediation:rem_1"


class Killed(BaseException):
    """The process is gone."""


def scale(service: str, workers: int) -> ToolCall:
    return ToolCall(name="scale_workers", args={"service": service, "workers": workers})


def restart(service: str) -> ToolCall:
    return ToolCall(name="restart_service", args={"service": service})


THREE = (scale("payments", 8), scale("checkout", 6), scale("front", 5))


@cache
def _drawing() -> Any:
    return compile_graph()


@cache
def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(trust_env=False, verify=False)


@dataclass
class Killer:
    """Counts the calls and dies at one of them; `names` lists them."""

    at: int = -1
    names: list[str] = field(default_factory=list[str])

    async def point(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) - 1 == self.at:
            raise Killed(name)

    def over(self, port: Any, *methods: str) -> Any:
        """Let each of these methods be a place to die at, before and after its work."""
        return _Mortal(self, port, methods)


class _Mortal:
    def __init__(self, killer: Killer, port: Any, methods: Sequence[str]) -> None:
        self.__dict__.update(killer=killer, port=port, methods=methods)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.port, name, value)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.port, name)
        if name not in self.methods:
            return found

        async def mortal(*args: Any, **kwargs: Any) -> Any:
            await self.killer.point(f"{name} before")
            result = await found(*args, **kwargs)
            await self.killer.point(f"{name} after")
            return result

        return mortal


class MortalSaver(InMemorySaver):
    """Checkpoints in memory; the process may die at each."""

    killer = Killer()

    async def aput(self, *args: Any, **kwargs: Any) -> Any:
        await self.killer.point("checkpoint before")
        result = await super().aput(*args, **kwargs)
        await self.killer.point("checkpoint after")
        return result


@dataclass
class Stage(World):
    """`steps` and `rollback` are policy's words; `guard_class` may be a broken one."""

    target: Target = field(default_factory=Target)
    steps: str = "whole"
    undo: str = "covered"
    killer: Killer = field(default_factory=Killer)
    is_frozen: bool = False
    policy: str = "0" * 64
    guard_class: type[Guard] = Guard
    deaths: list[str] = field(default_factory=list[str])
    killers: list[Killer] = field(default_factory=list[Killer])

    def __post_init__(self) -> None:
        super().__post_init__()
        self.effects = InMemoryEffects(self.audit, self.approvals)
        self.saver = MortalSaver()
        self.restart()

    def restart(self) -> None:
        """A process begins, on what the last one has left."""
        killer = self.killer = self.killers.pop(0) if self.killers else Killer()
        self.saver.killer = killer  # type: ignore[attr-defined]
        self.target.point = killer.point
        self.live_approvals = killer.over(self.approvals, "create", "finish")
        self.live_queue = killer.over(self.queue, "put")
        effects = killer.over(self.effects, "intend", "conclude")
        self.toolbox = self.guard_class(
            self.target.registry(_client()), self.live_approvals, effects, self.audit, self.clock,
            lambda: self.is_frozen, settle_seconds=0.02, skew_seconds=-5.0,
            in_force=lambda sha256: sha256 == self.policy,
        )  # fmt: skip

    @property
    def rules(self) -> list[dict[str, Any]]:
        given = {"effect": "approve", "groups": ["sre"], "exclude_requester": False}
        return [{"name": "all", "steps": self.steps, "rollback": self.undo, **given}]

    @property
    def desk(self) -> ApprovalDesk:
        file = {"version": 1, "groups": {"sre": [ALICE, BOB], "dba": [BOB]}, "rules": self.rules}
        policy = Policy(PolicyFile.model_validate(file), self.policy)
        directory = super().desk.directory
        return ApprovalDesk(self.live_approvals, directory, policy, self.live_queue, self.audit, self.clock)

    def a_runner(self) -> LangGraphRunner:
        """Return a new process's runner; the drawing is compiled once for all of them, which takes the time."""
        cards = self.killer.over(self.cards, "show_approval", "say")
        known = GraphContext(
            toolbox=self.toolbox, approvals=self.live_approvals, effects=self.effects,
            approval_queue=self.approvals, desk=self.desk,
            incidents=self.incidents, reports=self.reports, cards=cards, audit=self.audit, clock=self.clock,
            config=self.config, verify_within=timedelta(seconds=0.2), verify_every=timedelta(seconds=0.001),
        )  # fmt: skip
        runner = LangGraphRunner.__new__(LangGraphRunner)
        runner._context, runner._lease = known, self.lease
        runner._remediation = _drawing().copy({"checkpointer": self.saver})
        return runner

    def remediation(self) -> Remediation:
        return Remediation(self.a_runner(), self.live_approvals, self.approvals, self.live_queue, self.clock)

    async def propose(self, *calls: ToolCall, **fields: Any) -> None:
        await self.alive(lambda: self.remediation().start(a_proposal(call=calls[0], then=calls[1:], **fields)))

    async def alive(self, work: Any) -> None:
        """Do it until no process dies of it any more."""
        while True:
            try:
                await work()
                return
            except Killed as death:
                self.deaths.append(str(death))
                self.locks.clear()
                self.restart()

    async def approve(self, attempt: int = 1, person: str = ALICE) -> None:
        await self.alive(lambda: self._approve(approval_of(attempt=attempt), person))

    async def _approve(self, approval_id: str, person: str) -> Any:
        return await self.desk.vote(approval_id, person, "approve")

    async def run(self) -> None:
        """Hand out every job, those that a crash has lost too, until nothing is left to do."""
        for _ in range(30):
            if not self.queue.waiting:
                self.clock.advance(seconds=31)
                await self._sweeper().tick()
            if not self.queue.waiting:
                return
            event = self.queue.waiting[0]
            await self.alive(lambda event=event: self._handle(event))
            self.queue.waiting.remove(event)
        raise AssertionError("it does not come to rest")

    async def _handle(self, event: Event) -> None:
        if event.kind == "job.resume":
            await self.remediation().resume(str(event.body["approval_id"]))
        elif event.kind == "job.propose":
            await self.remediation().start(Proposal.model_validate(event.body))

    def _sweeper(self) -> Sweeper:
        return Sweeper(self.approvals, self.approvals, self.incidents, self.cards, self.queue, self.clock)

    async def rows(self, thread_id: str = THREAD) -> list[ApprovalRequest]:
        return await rows_of(self.approvals, thread_id)

    async def ends(self, thread_id: str = THREAD) -> list[str]:
        return [row.status.value for row in await self.rows(thread_id)]

    async def overall(self) -> ApprovalStatus:
        return overall(await self.rows())
