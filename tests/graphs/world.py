"""Everything a graph test needs around the graphs: in-memory ports, a policy, people, and runners on one saver."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver

from core.approval import ApprovalRequest
from core.brief import Brief, Place, Proposal
from core.ids import approval_id_of
from core.person import Person
from core.policy import Policy, PolicyFile
from core.ports import ToolBox
from core.services.approval_desk import ApprovalDesk
from core.tool_call import ToolCall
from graphs.context import GraphContext, InvestigatorConfig, KnownService
from graphs.models.runbooks import load_runbooks
from graphs.runner import LangGraphRunner
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import FakeClock
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.effects import InMemoryEffects
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.queue import InMemoryQueue
from tests.fakes.reports import InMemoryReports
from tests.fakes.toolbox import PretendToolBox

ROOT = Path(__file__).resolve().parents[2]
ALICE, BOB, GUEST, GONE = "U0ALICE", "U0BOB", "U0GUEST", "U0GONE"
PLACE = Place(channel="C0INCIDENTS", thread_ts="1700000000.000100")
SERVICES = {
    "front": KnownService("prod", ("checkout",)),
    "checkout": KnownService("prod", ("payments",)),
    "payments": KnownService("prod"),
}
POLICY = {
    "version": 1,
    "groups": {"sre": [ALICE, BOB]},
    "rules": [
        {"name": "no config on front", "match": {"tool": "set_config", "service": "front"}, "effect": "deny"},
        {"name": "anything else", "effect": "approve", "groups": ["sre"], "quorum": 1, "exclude_requester": False},
    ],
}


@dataclass
class World:
    """`toolbox` is a PretendToolBox unless a test brings real tools."""

    toolbox: Any = field(default_factory=PretendToolBox)
    saver: BaseCheckpointSaver[Any] = field(default_factory=InMemorySaver)
    approvals: InMemoryApprovals = field(default_factory=InMemoryApprovals)
    incidents: InMemoryIncidents = field(default_factory=InMemoryIncidents)
    reports: InMemoryReports = field(default_factory=InMemoryReports)
    effects: InMemoryEffects = field(default_factory=InMemoryEffects)
    cards: RecordingCards = field(default_factory=RecordingCards)
    audit: InMemoryAudit = field(default_factory=InMemoryAudit)
    queue: InMemoryQueue = field(default_factory=InMemoryQueue)
    clock: Any = field(default_factory=FakeClock)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    epochs: Iterator[int] = field(default_factory=lambda: count(1))
    config: InvestigatorConfig = field(default_factory=lambda: InvestigatorConfig(SERVICES))
    model: Any = None
    verify_within: float = 0.2
    verify_every: float = 0.01

    def __post_init__(self) -> None:
        self.approvals.audit = self.audit
        if isinstance(self.toolbox, PretendToolBox):
            self.toolbox.rows, self.toolbox.audit = self.approvals, self.audit

    @property
    def desk(self) -> ApprovalDesk:
        people = [
            Person(id=ALICE, name="Alice"),
            Person(id=BOB, name="Bob"),
            Person(id=GUEST, name="Gus", is_guest=True),
            Person(id=GONE, name="Gone", is_deactivated=True),
        ]
        policy = Policy(PolicyFile.model_validate(POLICY), "0" * 64)
        directory = InMemoryDirectory(people)
        return ApprovalDesk(self.approvals, directory, policy, self.queue, self.audit, self.clock)

    @property
    def context(self) -> GraphContext:
        toolbox: ToolBox = self.toolbox
        return GraphContext(
            toolbox=toolbox,
            approvals=self.approvals,
            approval_queue=self.approvals,
            effects=self.effects,
            desk=self.desk,
            incidents=self.incidents,
            reports=self.reports,
            cards=self.cards,
            audit=self.audit,
            clock=self.clock,
            config=self.config,
            runbooks=load_runbooks(ROOT / "runbooks"),
            model=self.model,
            verify_within=timedelta(seconds=self.verify_within),
            verify_every=timedelta(seconds=self.verify_every),
        )

    @asynccontextmanager
    async def lease(self, thread_id: str) -> AsyncIterator[int]:
        async with self.locks[thread_id]:
            yield next(self.epochs)

    def runner(self, **changes: Any) -> LangGraphRunner:
        """Return a newly compiled runner on the same saver: what a restarted process would have."""
        return LangGraphRunner(self.saver, replace(self.context, **changes), self.lease)

    async def vote(self, approval_id: str, choice: Any = "approve", person: str = ALICE) -> ApprovalRequest:
        return await self.desk.vote(approval_id, person, choice)


def a_proposal(remediation_id: str = "rem_1", **fields: Any) -> Proposal:
    """Return a proposal to restart checkout."""
    given: dict[str, Any] = {
        "remediation_id": remediation_id,
        "call": ToolCall(name="restart_service", args={"service": "checkout"}),
        "place": PLACE,
        "requester": BOB,
        "reason": "memory",
    }
    return Proposal(**(given | fields))


def a_brief(question: str = "", number: int = 1, clock: Any = None, **fields: Any) -> Brief:
    """Return a question asked in a thread, or an incident's first look."""
    given: dict[str, Any] = {
        "report_id": f"rep_{number}",
        "thread_id": "conversation:C1:1",
        "place": PLACE,
        "requester": BOB,
        "question": question,
        "at": (clock or FakeClock()).now(),
    }
    return Brief(**(given | fields))


def approval_of(remediation_id: str = "rem_1", attempt: int = 1) -> str:
    """Return the id of an attempt's request."""
    return approval_id_of(remediation_id, attempt)
