"""What the core needs from outside, as Protocols of at most five methods; adapters name the technology."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from core.alert import Alert
from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.audit import AuditEvent
from core.ballot import Ballot
from core.brief import Brief, Place, Proposal
from core.dead_letter import DeadLetter
from core.effect import Effect, EffectStatus
from core.event import Event, Start
from core.evidence import Report
from core.incident import Incident
from core.person import Person
from core.policy_rules import Asker
from core.requirement import Requirement
from core.tool_call import Plan, ToolCall, ToolResult


class Clock(Protocol):
    """The only source of the present."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        ...


class Incidents(Protocol):
    """Incidents and their alerts."""

    async def join(self, alert: Alert, now: datetime) -> tuple[Incident, bool]:
        """Record the alert on the open incident of its group, opening one for a firing alert that has none; resolve the
        incident with its last alert. Returns the incident after it, and whether anything changed. A resolved alert of
        no open incident raises NoDataError, or returns the incident that ended with the very same."""
        ...

    async def load(self, incident_id: str) -> Incident:
        """Return the incident with its alerts; NoDataError when there is none."""
        ...

    async def place(self, incident_id: str, channel: str, thread_ts: str) -> None:
        """Remember where the incident's card stands."""
        ...

    async def at(self, channel: str, thread_ts: str) -> Incident | None:
        """Return the incident whose card is that thread's root."""
        ...

    async def open(self) -> Sequence[Incident]:
        """Return the open incidents, newest first."""
        ...


class Reports(Protocol):
    """Finished investigations."""

    async def save(self, report: Report) -> None:
        """Insert the report, or replace the one with its id."""
        ...

    async def load(self, report_id: str) -> Report | None:
        """Return the report, or None while there is none."""
        ...

    async def of_thread(self, thread_id: str) -> Sequence[Report]:
        """Return the reports of one LangGraph thread, oldest first."""
        ...

    async def shown(self, report_id: str, now: datetime) -> None:
        """Note that everything that follows from the report has been done: it is shown, and its proposal asked for."""
        ...

    async def unshown(self, before: datetime) -> Sequence[str]:
        """Return the ids of at most fifty reports finished before that moment of which this is not noted."""
        ...


class Approvals(Protocol):
    """Approval rows: the truth about who decided what."""

    async def create(self, request: ApprovalRequest, event: AuditEvent | None = None) -> ApprovalRequest:
        """Insert the request, and its event in the history, both or neither; when its id exists already, return the
        existing row unchanged."""
        ...

    async def load(self, approval_id: str) -> ApprovalRequest:
        """Return the request with its votes; NoDataError when there is none."""
        ...

    async def vote(self, vote: Vote, event: AuditEvent | None = None) -> None:
        """Insert the vote while the request is pending, and its event in the history, both or neither;
        AlreadyDecidedError when it no longer is, AlreadyVotedError when that person voted on it before."""
        ...

    async def claim(
        self,
        approval_id: str,
        *,
        digest: str,
        status: ApprovalStatus,
        now: datetime,
        execute_by: datetime | None,
        event: AuditEvent | None = None,
        grants: Sequence[str] = (),
        text: str = "",
        ballot: Ballot | None = None,
    ) -> bool:
        """One conditional UPDATE from pending to `status`, with `text` for its card; approving also needs the digest,
        `now < decide_by`, that nobody has rejected it and that these grants hold. True for the one who wins, with the
        event: both or neither. A ballot is cast first in the same transaction, as by `vote`, and stays in any case."""
        ...

    async def finish(self, approval_id: str, *, status: ApprovalStatus, text: str, now: datetime) -> bool:
        """One conditional UPDATE from approved (`rolled back`: from executed; `executed`: also from unknown, if the
        ledger says done) to how it ended; False if it had, or if the ledger gainsays it (an open intent always)."""
        ...


class ApprovalQueue(Protocol):
    """Approval rows as work that waits."""

    async def pending(self) -> Sequence[ApprovalRequest]:
        """Return requests that wait for votes, oldest first."""
        ...

    async def undelivered(self) -> Sequence[ApprovalRequest]:
        """Return requests that are decided while their graph has not been told."""
        ...

    async def delivered(self, approval_id: str) -> None:
        """Note that the graph took the verdict."""
        ...

    async def place(self, approval_id: str, card_ts: str) -> None:
        """Remember where the request's card stands in its channel."""
        ...

    async def of(self, *, incident_id: str | None = None, report_id: str | None = None) -> Sequence[ApprovalRequest]:
        """Return the requests of that incident or that report (of either, if both are given), oldest first."""
        ...


class Effects(Protocol):
    """The ledger of attempts on the outside world."""

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        """Insert the intent row and its event in the history, both or neither; False, with neither, when that action id
        has an intent already, or its request is not approved with `effect.intent_at` before its execute-by."""
        ...

    async def conclude(
        self, action_id: str, *, status: EffectStatus, text: str, data: JsonValue, now: datetime, event: AuditEvent
    ) -> bool:
        """Write the outcome beside the intent and its event in the history, both or neither; True for the one outcome
        that stands, False for any later one, of which no event is written. Done takes the place of unknown."""
        ...

    async def load(self, action_id: str) -> Effect | None:
        """Return the row, or None."""
        ...

    async def unsettled(self, before: datetime) -> Sequence[Effect]:
        """Return at most fifty intents from before that moment that have no outcome, oldest first."""
        ...

    async def begun_since(self, moment: datetime) -> Sequence[Effect]:
        """Return at most fifty attempts begun at that moment or after it, whatever became of them, newest first."""
        ...


class Audit(Protocol):
    """Append-only history."""

    async def append(self, event: AuditEvent) -> None:
        """Add one row."""
        ...

    async def of_incident(self, incident_id: str) -> Sequence[AuditEvent]:
        """Return an incident's rows, oldest first."""
        ...

    async def of_subject(self, subject: str) -> Sequence[AuditEvent]:
        """Return one subject's rows, oldest first."""
        ...

    async def has(self, kind: str, subject: str, details: Mapping[str, str], incident_id: str | None = None) -> bool:
        """True when a row of that kind and subject, of that incident if one is given, has all these details."""
        ...


class Directory(Protocol):
    """People and their groups."""

    async def person(self, user_id: str, *, fresh: bool = False) -> Person:
        """Return who that is; NoDataError for an unknown id; `fresh` asks Slack anew."""
        ...

    async def members(self, ids: Sequence[str], *, fresh: bool = False) -> frozenset[str]:
        """Return the user ids behind user ids, user group ids and handles (@sre); `fresh` asks Slack anew."""
        ...


class Cards(Protocol):
    """The Slack messages that project rows; every method posts once and afterwards updates what it posted."""

    async def show_incident(self, incident_id: str) -> Place:
        """Post or refresh the incident's card; returns where its thread is."""
        ...

    async def show_progress(self, brief: Brief, done: Sequence[str], doing: Sequence[str]) -> None:
        """Tell in the brief's thread what has been looked at and what is being looked at."""
        ...

    async def show_report(self, report_id: str, place: Place) -> None:
        """Post or refresh the report in its thread: the verdict first, the evidence with plots under it."""
        ...

    async def show_approval(self, approval_id: str) -> None:
        """Post or refresh the approval card."""
        ...

    async def say(self, place: Place, text: str, *, key: str) -> None:
        """Post a plain sentence once for each `key`: into the thread, or without a channel where operators read."""
        ...


class Rules(Protocol):
    """The policy that holds now."""

    @property
    def sha256(self) -> str:
        """The hash of the file's bytes."""
        ...

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Slack user ids, user group ids and handles behind each group's name."""
        ...

    def requirement(self, plan: Plan, asker: Asker) -> Requirement:
        """Return what the first matching rule asks for."""
        ...


class Queue(Protocol):
    """Durable work."""

    async def put(self, event: Event) -> bool:
        """Write the event durably; False when its id was seen within the de-duplication window."""
        ...


class Inbox(Protocol):
    """Durable work as the edge hands it in, before it answers whoever sent it."""

    async def put(self, event: Event, signature: str = "") -> bool:
        """Write the event durably; False when its id, or the signature that its request bore, was seen before.

        The signature is remembered together with the event or not at all."""
        ...

    async def put_many(self, events: Sequence[Event]) -> list[bool]:
        """Write events durably, in order; says of each whether it is new. What is repeated after an error is safe."""
        ...


class Deliveries(Protocol):
    """What became of every event, one row each: the memory that outlives the queue."""

    async def begin(self, event: Event, now: datetime, *, most: int, alone: bool = False, attempt: str = "") -> Start:
        """Count one more attempt at the event, unless it is over or has had `most`; one whose attempts ended without a
        word is not begun for the last time unless `alone`, and has one such attempt more if its last was not.
        `attempt` is a word of its own for this one. One write for an attempt that is begun."""
        ...

    async def done(self, event_id: str, now: datetime) -> None:
        """Note that nothing more is owed; whoever delivers it again only acknowledges it."""
        ...

    async def failed(self, event_id: str, error: str, now: datetime, *, attempt: str = "") -> None:
        """Note how this attempt failed; it counts. Nothing happens unless it is the last one."""
        ...

    async def release(self, attempts: Mapping[str, str], now: datetime) -> None:
        """Take back these attempts (by event id): an outage or a stop ended them, so they do not count. Nothing happens
        to an event whose last attempt is another."""
        ...

    async def bury(self, event: Event, error: str, now: datetime, *, attempt: str = "") -> None:
        """Give the event up and keep it whole, unless it is over or its last attempt is another."""
        ...


class DeadLetters(Protocol):
    """Events that were given up, until a person decides about them."""

    async def dead(self) -> Sequence[DeadLetter]:
        """Return those that nobody has decided about, oldest first."""
        ...

    async def load(self, letter_id: str) -> DeadLetter:
        """Return that row, whatever became of it; NoDataError when there is none."""
        ...

    async def decide(self, letter_id: str, *, retry: bool, person: str, now: datetime) -> bool:
        """One conditional UPDATE from dead: to be begun anew with all attempts, or over. True for the one who wins."""
        ...

    async def untold(self) -> Sequence[DeadLetter]:
        """Return at most fifty rows whose card does not show them as they are, those that failed least often first,
        then the oldest."""
        ...

    async def told(self, letter: DeadLetter) -> None:
        """Note that the card shows the row like this, unless the row has moved on since."""
        ...

    async def not_told(self, letter: DeadLetter) -> None:
        """Note that telling failed: whoever failed less often comes before it."""
        ...


class Retries(Protocol):
    """The way back into the queue."""

    async def put_again(self, event: Event, mark: str) -> bool:
        """Write an event whose id was seen before; False when this `mark` was."""
        ...


class ToolSummary(NamedTuple):
    """What a mind may know of a tool."""

    name: str
    description: str
    risk: str
    args_schema: dict[str, JsonValue]


class Forms(Protocol):
    """What people may type into a tool's arguments."""

    def faults(self, call: ToolCall) -> Mapping[str, str]:
        """Return what is wrong with which argument, an empty name standing for the whole; empty when all is well."""
        ...


class ToolBox(Protocol):
    """All tools behind the guard."""

    def summaries(self) -> Sequence[ToolSummary]:
        """Return every tool's summary, in registry order."""
        ...

    async def read(self, call: ToolCall) -> ToolResult:
        """Run a tool of risk `read`; anything above is answered with status refused. Never raises ToolError."""
        ...

    async def plan(self, call: ToolCall, *then: ToolCall) -> Plan:
        """Validate the call (and the steps after it) and work out what would run, changing nothing; else ToolError."""
        ...

    async def drift(self, request: ApprovalRequest) -> str:
        """Return what would be planned otherwise now, as a sentence's end; empty when nothing would, for a later step
        of a plan, and when nobody can tell. Changes nothing and never raises ToolError."""
        ...

    async def execute(self, request: ApprovalRequest, grant: Grant) -> ToolResult:
        """Run what was approved, at most once; re-reads the row, the digest, the clock and the precondition first.
        Never raises ToolError or RefusedError: status ok, failed, refused (nothing ran) or unknown."""
        ...

    async def settle(self, approval_id: str) -> ToolResult | None:
        """Return how the request's one attempt ended, asking its target where the ledger does not know; None when
        nothing was attempted. Never a second attempt."""
        ...


class GraphRunner(Protocol):
    """The graphs, as the use cases see them; each call holds the thread's lease while it runs."""

    async def investigate(self, brief: Brief) -> Report:
        """Run the investigation to its report; a second call with the same report id returns the same report.
        NeedsHumanError when what is stored of its thread is refused: a human has been told then."""
        ...

    async def remediate(self, proposal: Proposal) -> None:
        """Start a remediation and run it to its gate (or its end). A second call with the same id finishes what a crash
        left, and starts again only where no request came of the first."""
        ...

    async def resume(self, request: ApprovalRequest) -> bool:
        """Answer the pending gate of this request with its verdict, finishing a crashed run first. False when no such
        gate is pending; an approved request is then ended as its one attempt was, or as unknown with a human told."""
        ...
