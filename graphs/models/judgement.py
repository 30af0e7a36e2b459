"""What a mind is given and what it gives back, whichever mind it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.alert import Alert
from core.brief import Brief
from core.errors import WatchkeeperError
from core.evidence import Evidence, Hypothesis, Usage
from core.objection import Objection
from core.tool_call import ToolCall
from graphs.models.own_acts import OwnAct


class MindError(WatchkeeperError):
    """A mind gave no usable judgement; its text says why in words fit for the report."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage or Usage()


@dataclass(frozen=True, slots=True)
class Memory:
    """One earlier exchange of the same thread."""

    question: str
    answer: str
    service: str
    report_id: str
    proposal: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One question or incident with everything that was seen so far; `subject` is empty when no service is meant."""

    brief: Brief
    subject: str
    depends_on: Mapping[str, tuple[str, ...]]
    now: datetime
    alerts: tuple[Alert, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    history: tuple[Memory, ...] = ()
    acts: tuple[OwnAct, ...] = ()
    incidents: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = ()
    prompts: Mapping[str, int] = field(default_factory=dict[str, int])

    def objected(self, call: ToolCall) -> bool:
        """True when people have spoken against this call here."""
        return any(each.is_against(call) for each in self.objections)

    def downstream(self, service: str) -> list[str]:
        """Return the service and everything it depends on, nearest first; each once, cycles allowed."""
        order = [service]
        for name in order:
            order.extend(dep for dep in self.depends_on.get(name, ()) if dep not in order)
        return order


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer, its ranked causes and at most one call that may be proposed, with the steps after it; `offer` ends the
    answer if it is. `elsewhere` is the id of the request or incident that asks for the call already."""

    mind: str
    answer: str
    hypotheses: tuple[Hypothesis, ...] = ()
    proposal: ToolCall | None = None
    then: tuple[ToolCall, ...] = ()
    proposal_reason: str = ""
    offer: str = ""
    evidence: tuple[Evidence, ...] = ()
    usage: Usage = field(default_factory=Usage)
    degraded: str = ""
    elsewhere: str = ""
