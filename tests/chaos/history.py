"""What happened in a run, told by every witness side by side: the harness, SQL, the target's own ledger and Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from pydantic import JsonValue

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.effect import Effect
from core.tool_call import ToolCall


@dataclass(frozen=True, slots=True)
class Ack:
    """Something that the harness sent and that was answered with 200 (or that `put` took); `event_id` is its row's."""

    event_id: str
    at: datetime
    what: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an event ended: `done` or `dead` is over, anything else is not. `times` is how often it was carried out to
    its end, as far as the harness could count."""

    event_id: str
    status: str
    times: int = 1

    @property
    def over(self) -> bool:
        """True when nothing more will come of it."""
        return self.status in ("done", "dead")


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the target's own ledger; two lines under one action id are two effects.

    `found` is the state that it was done on, under the names of the plan's precondition, if the target keeps that;
    `looked` is when the last look at the freeze switch began, if the harness saw that one."""

    action_id: str
    call: ToolCall
    at: datetime
    found: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    looked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One message in Slack as it reads at the end, `shows` being what it tells of its subject.

    Kind `approval`: subject is the approval's id, `shows` its status. Kind `report`: subject is the report's id. Kind
    `note`: subject is the sentence's key. Progress that became a report is that report."""

    kind: str
    subject: str
    ts: str
    shows: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Something that was begun and owes one visible end.

    `question` and `investigation` are owed a report with that `id`; `proposal` is owed a card with one of `cards`, or a
    note. `notes` are the beginnings of keys under which a sentence may stand in for it (refused, failed, needs human).
    Approvals need no Run: their rows are runs."""

    kind: Literal["question", "investigation", "proposal"]
    id: str
    cards: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spend:
    """What one run had of the model, and what it might have had.

    `tokens` are those that were spent when its last call began: the cap is looked at before each call, not within."""

    run: str
    calls: int
    tokens: int
    max_calls: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing may be changed; `until` None means to the end."""

    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reign:
    """A time in which some worker may have gone by the policy of that hash; `until` None means to the end.

    `asks` says, by service, how many people it wants of which user group."""

    sha256: str
    since: datetime
    until: datetime | None = None
    asks: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])

    def holds(self, sha256: str, at: datetime) -> bool:
        """True when that policy was some worker's at that time."""
        return self.sha256 == sha256 and self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True)
class History:
    """The joined history of one run, taken when nothing moves any more; `tests.chaos.checker.check` judges it.

    `deciders` maps each user group id and user id of the policy to those who may decide by it (full, active, human
    members only). `grace` is how far the target's clock may be from ours, and how much later than the guard's last look
    at the clock it may stamp its line (the shop stamps whole milliseconds, so processes need at least that).
    `sinks` are texts that left the bot beside Slack, audit and rows: prompts, logs, pages. `audit_faults` is what the
    verification of the chain said, nothing when it held. `interruptions` counts crashes and cut connections: each may
    have one event carried out, and one run ended, once more. `keeps_threads` says that no checkpoint was lost, so that
    no verdict may be lost either. `stuck` are approved requests that nobody carried
    out while all was well and nobody was busy. `reigns` are the policies that the workers went by, one at least at any
    time; none for a run with one policy."""

    acks: Sequence[Ack] = ()
    endings: Sequence[Ending] = ()
    approvals: Sequence[ApprovalRequest] = ()
    effects: Sequence[Effect] = ()
    audit: Sequence[AuditEvent] = ()
    audit_faults: Sequence[str] = ()
    acts: Sequence[Act] = ()
    posts: Sequence[Post] = ()
    runs: Sequence[Run] = ()
    spends: Sequence[Spend] = ()
    deciders: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    freezes: Sequence[Freeze] = ()
    canaries: Sequence[str] = ()
    sinks: Mapping[str, Sequence[str | JsonValue]] = field(default_factory=dict[str, Sequence[str | JsonValue]])
    grace: timedelta = timedelta(0)
    interruptions: int = 0
    keeps_threads: bool = False
    stuck: Sequence[str] = ()
    reigns: Sequence[Reign] = ()
