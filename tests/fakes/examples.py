"""Valid domain objects for tests that care about one or two fields only: `an_alert(service="checkout")`."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue

from core.alert import Alert, AlertStatus
from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus
from core.event import Event
from core.evidence import Report
from core.ids import new_id
from core.policy import Requirement
from core.risk import Risk
from core.tool_call import Plan, ToolCall, plan_digest
from tests.fakes.clock import START


def an_alert(**fields: Any) -> Alert:
    """Return a firing alert of checkout in prod."""
    given: dict[str, Any] = {
        "fingerprint": "f00d",
        "status": AlertStatus.FIRING,
        "name": "HighErrorRate",
        "service": "checkout",
        "env": "prod",
        "severity": "critical",
        "summary": "checkout answers with errors",
        "starts_at": START,
    }
    return Alert(**(given | fields))


def a_plan(**fields: Any) -> Plan:
    """Return a plan to restart checkout."""
    given: dict[str, Any] = {
        "call": ToolCall(name="restart_service", args={"service": "checkout"}),
        "risk": Risk.DISRUPTIVE,
        "env": "prod",
        "service": "checkout",
        "precondition": {"resource_version": "7"},
    }
    return Plan(**(given | fields))


def a_requirement(**fields: Any) -> Requirement:
    """Return what one approver out of `sre` may decide."""
    given: dict[str, Any] = {
        "rule": "disruptive in prod",
        "effect": "approve",
        "groups": ("sre",),
        "members": ("S0SRE",),
        "members_of": {"sre": ("S0SRE",)},
        "quorum": 1,
        "exclude_requester": True,
        "decide_within": timedelta(minutes=30),
        "execute_within": timedelta(minutes=5),
        "policy_sha256": "0" * 64,
        "digest_version": 2,
    }
    return Requirement(**(given | fields))


def a_request(**fields: Any) -> ApprovalRequest:
    """Return a pending request over `a_plan()`, with its own id and a true digest."""
    plan: Plan = fields.get("plan") or a_plan()
    requester: str = fields.get("requester", "U0ALICE")
    requirement: Requirement = fields.get("requirement") or a_requirement()
    created_at = fields.get("created_at", START)
    given: dict[str, Any] = {
        "id": new_id("apr"),
        "digest": plan_digest(plan, requester=requester, requirement=requirement),
        "plan": plan,
        "requirement": requirement,
        "requester": requester,
        "reason": "error rate since the last deploy",
        "thread_id": "remediation:rem_1",
        "incident_id": "INC-1",
        "channel": "C0INCIDENTS",
        "thread_ts": "1700000000.000100",
        "created_at": created_at,
        "decide_by": created_at + requirement.decide_within,
    }
    return ApprovalRequest(**(given | fields))


def an_effect(request: ApprovalRequest, **fields: Any) -> Effect:
    """Return the intent of a request's action."""
    given: dict[str, Any] = {
        "action_id": request.action_id,
        "approval_id": request.id,
        "tool": request.plan.call.name,
        "args": request.plan.call.args,
        "digest": request.digest,
        "status": EffectStatus.INTENT,
        "intent_at": START,
    }
    return Effect(**(given | fields))


def a_report(**fields: Any) -> Report:
    """Return a report without evidence."""
    given: dict[str, Any] = {
        "id": new_id("rep"),
        "thread_id": "incident:INC-1",
        "incident_id": "INC-1",
        "requester": "alert",
        "mind": "deterministic",
        "answer": "The last deploy broke checkout.",
        "finished_at": START,
    }
    return Report(**(given | fields))


def an_audit_event(**fields: Any) -> AuditEvent:
    """Return the record of a request."""
    given: dict[str, Any] = {
        "kind": "ApprovalRequested",
        "actor": "U0ALICE",
        "subject": "apr_1",
        "incident_id": "INC-1",
        "at": START,
    }
    return AuditEvent(**(given | fields))


def an_event(**fields: Any) -> Event:
    """Return a queued event with its own id."""
    given: dict[str, Any] = {"id": new_id("evt"), "kind": "alert", "key": "alert:prod/checkout", "body": {}}
    given["received_at"] = START
    return Event(**(given | fields))


def history_of(row: ApprovalRequest) -> list[AuditEvent]:
    """Return the lines that the desk has written of a row: who asked, who voted, that it was approved, and done."""

    def line(kind: str, actor: str, at: datetime, **details: JsonValue) -> AuditEvent:
        return AuditEvent(kind=kind, actor=actor, subject=row.id, incident_id=row.incident_id, at=at, details=details)

    covered: dict[str, JsonValue] = {"covered_by": row.covered_by} if row.covered_by else {}
    undoes = row.rollback_of or ""
    told = [line("ApprovalRequested", row.requester, row.created_at, digest=row.digest, rollback_of=undoes, **covered)]
    for vote in row.votes:
        grant: dict[str, JsonValue] = {"grant": vote.grant_id} if vote.grant_id else {}
        told.append(line("VoteCast", vote.person, vote.at, choice=vote.choice, reason=vote.reason, **grant))
    if row.decided_at is not None and row.execute_by is not None:
        told.append(line("ApprovalDecided", "U0BOB", row.decided_at, verdict="approved"))
    if row.status in (ApprovalStatus.EXECUTED, ApprovalStatus.ROLLED_BACK):
        told.append(line("EffectDone", "guard", row.created_at))
    return told
