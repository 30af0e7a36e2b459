"""The tables, as the newest migration leaves them (a test compares both)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
)

from bot.adapters.database.types import Json, UtcDateTime, Words

metadata = MetaData()
_id = String(80)
_serial = BigInteger().with_variant(Integer, "sqlite")
_by_hand, _granted = text("grant_id IS NULL"), text("grant_id IS NOT NULL")

incidents = Table(
    "incidents",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("group_key", Words, nullable=False),
    Column("title", Words, nullable=False),
    Column("service", Words, nullable=False),
    Column("env", Words, nullable=False),
    Column("severity", Words, nullable=False),
    Column("status", String(16), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("thread_ts", String(64), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("resolved_at", UtcDateTime),
    # Two workers that open an incident for one group at the same time: the second insert finds the first.
    Index(
        "ux_incidents_open_group",
        "group_key",
        unique=True,
        sqlite_where=text("status = 'open'"),
        postgresql_where=text("status = 'open'"),
    ),
    Index("ix_incidents_group", "group_key", "number"),
    Index("ix_incidents_place", "channel", "thread_ts"),
    sqlite_autoincrement=True,
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", _serial, primary_key=True),
    Column("incident_number", ForeignKey("incidents.number"), nullable=False),
    Column("fingerprint", String(128), nullable=False),
    Column("body", Json, nullable=False),
    UniqueConstraint("incident_number", "fingerprint", name="uq_alerts_incident_fingerprint"),
    sqlite_autoincrement=True,
)

reports = Table(
    "reports",
    metadata,
    Column("id", _id, primary_key=True),
    Column("thread_id", String(200), nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("body", Json, nullable=False),
    Column("shown_at", UtcDateTime),
    Index("ix_reports_thread", "thread_id", "finished_at"),
    Index(
        "ix_reports_unshown",
        "finished_at",
        sqlite_where=text("shown_at IS NULL"),
        postgresql_where=text("shown_at IS NULL"),
    ),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", _id, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("plan", Json, nullable=False),
    Column("requirement", Json, nullable=False),
    Column("requester", String(64), nullable=False),
    Column("reason", Words, nullable=False),
    Column("thread_id", String(200), nullable=False),
    Column("incident_id", _id),
    Column("report_id", _id),
    Column("rollback_of", _id),
    Column("reopens", _id),
    Column("replaces", _id),
    Column("covered_by", _id),
    Column("channel", String(64), nullable=False),
    Column("thread_ts", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("decide_by", UtcDateTime, nullable=False),
    Column("execute_by", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("outcome_text", Words, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("delivered_at", UtcDateTime),
    Column("card_ts", String(64), nullable=False),
    Column("reminded", Integer, nullable=False, server_default="0"),
    # Whoever reminds holds the row until then; nobody does when it is empty or past.
    Column("reminding_until", UtcDateTime),
    Index("ix_approvals_status", "status", "created_at"),
    Index("ix_approvals_incident", "incident_id", "created_at"),
    Index("ix_approvals_report", "report_id", "created_at"),
    Index(
        "ix_approvals_undelivered",
        "created_at",
        sqlite_where=text("delivered_at IS NULL"),
        postgresql_where=text("delivered_at IS NULL"),
    ),
)

votes = Table(
    "votes",
    metadata,
    Column("id", _serial, primary_key=True),
    Column("approval_id", ForeignKey("approvals.id"), nullable=False),
    Column("person", String(64), nullable=False),
    Column("choice", String(16), nullable=False),
    Column("reason", Words, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("groups", Json, nullable=False, server_default="[]"),
    Column("grant_id", _id),
    Column("grant_use", Integer),
    # One vote by a person's own hand, and one by what they granted: a grant that dies must not keep them from voting.
    Index("ux_votes_by_hand", "approval_id", "person", unique=True, sqlite_where=_by_hand, postgresql_where=_by_hand),
    Index("ux_votes_by_grant", "approval_id", "person", unique=True, sqlite_where=_granted, postgresql_where=_granted),
    Index("ix_votes_grant", "grant_id", sqlite_where=_granted, postgresql_where=_granted),
    sqlite_autoincrement=True,
)

effects = Table(
    "effects",
    metadata,
    Column("action_id", _id, primary_key=True),
    Column("approval_id", ForeignKey("approvals.id"), nullable=False),
    Column("tool", String(80), nullable=False),
    Column("args", Json, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("text", Words, nullable=False),
    Column("data", Json),
    Column("intent_at", UtcDateTime, nullable=False),
    Column("outcome_at", UtcDateTime),
    Index(
        "ix_effects_unsettled",
        "intent_at",
        sqlite_where=text("status = 'intent'"),
        postgresql_where=text("status = 'intent'"),
    ),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", _serial, primary_key=True),
    Column("kind", String(80), nullable=False),
    Column("actor", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("incident_id", _id),
    Column("at", UtcDateTime, nullable=False),
    Column("details", Json, nullable=False),
    # The chain of core.audit_chain. Ids have gaps where a transaction was rolled back; sequence numbers have none.
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("sequence", _serial, nullable=False),
    UniqueConstraint("sequence", name="uq_audit_events_sequence"),
    Index("ix_audit_events_incident", "incident_id", "id"),
    Index("ix_audit_events_subject", "subject", "id"),
    sqlite_autoincrement=True,
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("person", String(64), nullable=False),
    Column("reason", Words, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
)

standing_grants = Table(
    "standing_grants",
    metadata,
    Column("id", _id, primary_key=True),
    # All that it lets through, under the digest; how often it did is the number of its votes.
    Column("body", Json, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_as", String(16)),
    Column("ended_by", String(64), nullable=False, server_default=""),
)

events = Table(
    "events",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("kind", String(80), nullable=False),
    Column("key", Words, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("taken_at", UtcDateTime),
    # Empty while an attempt is under way, or for ever when its process died: nothing else tells of such an end.
    Column("ended_at", UtcDateTime),
    Column("error", Words, nullable=False),
    Column("body", Json),
    Column("decided_by", Words, nullable=False),
    Column("untold", Boolean, nullable=False),
    # A word of its own for each attempt, so that late news of one is not taken for news of the next.
    Column("attempt", String(32), nullable=False, server_default=""),
    Column("alone", Boolean, nullable=False, server_default=false()),
    Column("tellings", Integer, nullable=False, server_default="0"),
    Index("ix_events_status", "status", "ended_at"),
    Index("ix_events_untold", "ended_at", sqlite_where=text("untold"), postgresql_where=text("untold")),
)
