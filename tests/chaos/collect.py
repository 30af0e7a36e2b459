"""Gathers the witnesses of a run into one history: rows from SQL, cards from Slack, lines from the shop's ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, select, text

from bot import identifiers
from bot.adapters.clock import SystemClock
from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.engine import Database
from bot.adapters.database.models import approvals, audit_events, effects
from core.audit import AuditEvent
from core.effect import Effect
from core.tool_call import ToolCall
from tests.chaos.history import Act, Ending, History, Post

_KINDS = {
    identifiers.APPROVAL_CARD: "approval",
    identifiers.REPORT_CARD: "report",
    identifiers.INCIDENT_CARD: "incident",
    identifiers.NOTE: "note",
}
_TOOLS = {"restart": "restart_service", "rollback": "rollback_deploy", "scale": "scale_workers", "config": "set_config"}
"""The supervisor's operations by the tools that ask for them."""


async def rows_of(database: Database) -> History:
    """Return what SQL knows; the other witnesses are added with `dataclasses.replace`."""
    async with database.reading() as connection:
        ids = (await connection.execute(select(approvals.c.id).order_by(approvals.c.created_at))).scalars().all()
        attempts = (await connection.execute(select(effects).order_by(effects.c.intent_at))).all()
        noted = (await connection.execute(select(audit_events).order_by(audit_events.c.id))).all()
        has_events = await connection.run_sync(lambda sync: inspect(sync).has_table("events"))
        ends = (await connection.execute(text("SELECT id, status FROM events"))).all() if has_events else ()
    store = SqlApprovals(database, SystemClock())
    return History(
        approvals=[await store.load(each) for each in ids],
        effects=[Effect.model_validate(dict(row._mapping)) for row in attempts],
        audit=[AuditEvent.model_validate(dict(row._mapping)) for row in noted],
        endings=[Ending(event_id, status) for event_id, status in ends],
    )


def posts_of(messages: Iterable[Mapping[str, Any]]) -> list[Post]:
    """Return our cards and sentences among Slack messages (with metadata), each once however often it is listed."""
    found: dict[str, Post] = {}
    for message in messages:
        metadata = message.get("metadata") or {}
        payload = metadata.get("event_payload") or {}
        if kind := _KINDS.get(metadata.get("event_type", "")):
            shows = str(payload.get("status", ""))
            if kind == "report" and "cause" not in payload:
                continue  # progress: it becomes the report
            found[message["ts"]] = Post(kind, str(payload.get("subject", "")), message["ts"], shows, _words(message))
    return list(found.values())


def shop_acts(rows: Sequence[Mapping[str, Any]]) -> list[Act]:
    """Return the lines of the demo supervisor's ledger (`GET /actions`) that carry an action id of ours."""
    return [
        Act(
            row["action_id"],
            ToolCall(
                name=_TOOLS.get(row["operation"], row["operation"]), args={"service": row["service"], **row["args"]}
            ),
            datetime.fromisoformat(row["at"]),
        )
        for row in rows
        if str(row["action_id"]).startswith("act_")
    ]


def joined(
    rows: History, *, messages: Iterable[Mapping[str, Any]], ledger: Sequence[Mapping[str, Any]], **more: Any
) -> History:
    """Return the rows beside what Slack shows and what the shop's supervisor did; `more` are fields of History."""
    return replace(rows, posts=posts_of(messages), acts=shop_acts(ledger), **more)


def _words(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(_words(each) for each in value.values())
    return " ".join(_words(each) for each in value) if isinstance(value, list) else str(value)
