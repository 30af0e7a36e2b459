"""What can be shown of one approval to somebody who was not there: who asked for what, who decided, and what ran."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import JsonValue

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.contradictions import contradictions
from core.effect import Effect, output_sha256
from core.evidence import Report

# What a spreadsheet takes for the beginning of a formula, in either width.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class ChainedEvent(NamedTuple):
    """An event of the history with its place in the chain."""

    sequence: int
    previous_hash: str
    hash: str
    event: AuditEvent


class Case(NamedTuple):
    """Everything that is kept about one request."""

    request: ApprovalRequest
    report: Report | None
    effect: Effect | None
    history: Sequence[ChainedEvent]

    @property
    def contradictions(self) -> list[str]:
        """A sentence for each of these rows that is not what the history says."""
        return contradictions(self.request, self.effect, [row.event for row in self.history])


COLUMNS = (
    "approval_id", "status", "asked_by", "asked_at", "why", "incident_id", "report_id", "evidence", "cited_evidence",
    "policy_sha256", "policy_rule", "requirement", "digest", "plan", "rollback_of", "decide_by", "votes", "decided_at",
    "execute_by", "action_id", "ran_tool", "ran_args", "ran_digest", "ran_at", "effect_status", "effect_text",
    "output_sha256", "effect_at", "outcome", "finished_at", "history", "contradictions",
)  # fmt: skip
"""The columns of an export in their order; a new one is only ever added at the end."""


def record_of(case: Case) -> dict[str, JsonValue]:
    """Return the record of one request, its keys in the order of COLUMNS, times in UTC; null stands for what is not."""
    asked = _asked(case)
    ran = _ran(case.effect)
    request = case.request
    record = asked | ran | {"outcome": request.outcome_text, "finished_at": _moment(request.finished_at)}
    record["history"] = [_chained(each) for each in case.history]
    record["contradictions"] = [*case.contradictions]
    return {name: record[name] for name in COLUMNS}


def _asked(case: Case) -> dict[str, JsonValue]:
    request, report = case.request, case.report
    best = report.hypotheses[0] if report and report.hypotheses else None
    return {
        "approval_id": request.id,
        "status": request.status.value,
        "asked_by": request.requester,
        "asked_at": _moment(request.created_at),
        "why": request.reason,
        "incident_id": request.incident_id,
        "report_id": request.report_id,
        "evidence": [each.id for each in report.evidence] if report else [],
        "cited_evidence": list(best.evidence_ids) if best else [],
        "policy_sha256": request.requirement.policy_sha256,
        "policy_rule": request.requirement.rule,
        "requirement": request.requirement.model_dump(mode="json"),
        "digest": request.digest,
        "plan": request.plan.model_dump(mode="json"),
        "rollback_of": request.rollback_of,
        "decide_by": _moment(request.decide_by),
        "votes": [
            vote.model_dump(mode="json", exclude={"approval_id", "at"}) | {"at": _moment(vote.at)}
            for vote in request.votes
        ],
        "decided_at": _moment(request.decided_at),
        "execute_by": _moment(request.execute_by),
    }


def _ran(effect: Effect | None) -> dict[str, JsonValue]:
    names = ("action_id", "ran_tool", "ran_args", "ran_digest", "ran_at")
    names += ("effect_status", "effect_text", "output_sha256", "effect_at")
    if effect is None:
        return dict.fromkeys(names)
    output = output_sha256(effect.text, effect.data) if effect.outcome_at else None
    values: tuple[JsonValue, ...] = (
        *(effect.action_id, effect.tool, effect.args, effect.digest, _moment(effect.intent_at)),
        *(effect.status.value, effect.text, output, _moment(effect.outcome_at)),
    )
    return dict(zip(names, values, strict=True))


def _chained(row: ChainedEvent) -> JsonValue:
    event = row.event
    return {
        "sequence": row.sequence,
        "previous_hash": row.previous_hash,
        "hash": row.hash,
        "kind": event.kind,
        "actor": event.actor,
        "subject": event.subject,
        "incident_id": event.incident_id,
        "at": _moment(event.at),
        "details": event.details,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_line(record: Mapping[str, JsonValue]) -> str:
    """Return the record as a line of JSON Lines, without its end."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode("utf-8")


def as_cells(record: Mapping[str, JsonValue]) -> Iterator[str]:
    """Yield the record's cells for CSV: lists and objects as JSON, nothing that a spreadsheet would calculate."""
    for name in COLUMNS:
        value = record[name]
        text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield harmless(text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd"))


def harmless(text: str) -> str:
    """Return a cell's text with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULAS) or text.startswith("'") else text
