"""What the nodes are given to work with: ports and limits, handed in as LangGraph's `context`, never checkpointed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from core.ports import ApprovalQueue, Approvals, Audit, Cards, Clock, Effects, Incidents, Reports, ToolBox
from core.runbook import Runbook
from core.services.approval_desk import ApprovalDesk
from core.services.endings import Endings
from core.services.known_bad import KnownBad
from core.services.needs_human import NeedsHuman
from core.services.steps import Steps
from graphs.models.judgement import Case, Judgement
from tools.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class KnownService:
    """One service of the catalogue, as far as an investigation needs it."""

    env: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InvestigatorConfig:
    """Where to look and how much it may cost; `rate_window` should hold at least four scrapes."""

    services: Mapping[str, KnownService]
    max_calls: int = 48
    max_seconds: float = 25.0
    parallel: int = 6
    minutes: int = 15
    rate_window: str = "1m"

    @classmethod
    def from_catalogue(cls, catalogue: Catalogue) -> "InvestigatorConfig":
        """Return the default limits for the services of a catalogue."""
        return cls({row.name: KnownService(row.env, row.depends_on) for row in catalogue.services})


class Mind(Protocol):
    """Something that judges a case; a model's mind may read further, and can do nothing else."""

    @property
    def name(self) -> str:
        """The name that a report carries as its author."""
        ...

    async def judge(self, case: Case, toolbox: ToolBox, clock: Clock) -> Judgement:
        """Return a judgement; MindError when this mind cannot give a usable one."""
        ...


@dataclass(frozen=True, slots=True)
class GraphContext:
    """Everything a node may touch."""

    toolbox: ToolBox
    approvals: Approvals
    approval_queue: ApprovalQueue
    effects: Effects
    desk: ApprovalDesk
    incidents: Incidents
    reports: Reports
    cards: Cards
    audit: Audit
    clock: Clock
    config: InvestigatorConfig
    runbooks: tuple[Runbook, ...] = ()
    model: Mind | None = None
    verify_within: timedelta = timedelta(seconds=300)
    verify_every: timedelta = timedelta(seconds=2)

    @property
    def endings(self) -> Endings:
        """Writes how approved requests end."""
        return Endings(self.approvals, self.cards, self.audit, self.clock)

    @property
    def steps(self) -> Steps:
        """Goes from one step of a plan to the next, or back."""
        return Steps(self.approvals, self.desk.queue, self.clock)

    @property
    def known_bad(self) -> KnownBad:
        """Tells what a call would bring back."""
        return KnownBad(self.approval_queue, self.reports, self.audit)

    @property
    def human(self) -> NeedsHuman:
        """Tells a human that a run cannot go on."""
        return NeedsHuman(self.cards, self.audit, self.clock)
