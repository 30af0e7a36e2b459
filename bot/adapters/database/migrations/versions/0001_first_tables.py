"""The first tables, and the triggers that keep decided things as they were decided."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MOMENT = sa.DateTime(timezone=True)

# table -> columns that an UPDATE may never touch (empty: no UPDATE at all). A DELETE is refused in all of them.
_KEPT: dict[str, tuple[str, ...]] = {
    "audit_events": (),
    "votes": (),
    "approvals": (
        "id", "digest", "plan", "requirement", "requester", "reason", "thread_id", "incident_id", "report_id",
        "rollback_of", "channel", "thread_ts", "created_at", "decide_by",
    ),
    "effects": ("action_id", "approval_id", "tool", "args", "digest", "intent_at"),
}  # fmt: skip


def upgrade() -> None:
    """Create everything."""
    _create_incidents()
    _create_reports()
    _create_approvals()
    _create_effects()
    _create_audit_events()
    for table, columns in _KEPT.items():
        if op.get_bind().dialect.name == "sqlite":
            _keep_on_sqlite(table, columns)
        else:
            _keep_on_postgresql(table, columns)


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("group_key", "title", "service", "env", "severity")),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("thread_ts", sa.String(64), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("resolved_at", _MOMENT),
        sqlite_autoincrement=True,
    )
    is_open = sa.text("status = 'open'")
    op.create_index(
        "ux_incidents_open_group",
        "incidents",
        ["group_key"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_incidents_group", "incidents", ["group_key", "number"])
    op.create_index("ix_incidents_place", "incidents", ["channel", "thread_ts"])
    op.create_table(
        "alerts",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("incident_number", sa.Integer, sa.ForeignKey("incidents.number"), nullable=False),
        sa.Column("fingerprint", sa.String(128), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.UniqueConstraint("incident_number", "fingerprint", name="uq_alerts_incident_fingerprint"),
        sqlite_autoincrement=True,
    )


def _create_reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("thread_id", sa.String(200), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("ix_reports_thread", "reports", ["thread_id", "finished_at"])


def _create_approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("requirement", sa.Text, nullable=False),
        sa.Column("requester", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("thread_id", sa.String(200), nullable=False),
        *(sa.Column(name, sa.String(80)) for name in ("incident_id", "report_id", "rollback_of")),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("thread_ts", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("decide_by", _MOMENT, nullable=False),
        sa.Column("execute_by", _MOMENT),
        sa.Column("decided_at", _MOMENT),
        sa.Column("outcome_text", sa.Text, nullable=False),
        sa.Column("finished_at", _MOMENT),
        sa.Column("delivered_at", _MOMENT),
        sa.Column("card_ts", sa.String(64), nullable=False),
    )
    op.create_index("ix_approvals_status", "approvals", ["status", "created_at"])
    op.create_index("ix_approvals_incident", "approvals", ["incident_id", "created_at"])
    op.create_index("ix_approvals_report", "approvals", ["report_id", "created_at"])
    untold = sa.text("delivered_at IS NULL")
    op.create_index(
        "ix_approvals_undelivered", "approvals", ["created_at"], sqlite_where=untold, postgresql_where=untold
    )
    op.create_table(
        "votes",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("approval_id", sa.String(80), sa.ForeignKey("approvals.id"), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("choice", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.UniqueConstraint("approval_id", "person", name="uq_votes_approval_person"),
        sqlite_autoincrement=True,
    )


def _create_effects() -> None:
    op.create_table(
        "effects",
        sa.Column("action_id", sa.String(80), primary_key=True),
        sa.Column("approval_id", sa.String(80), sa.ForeignKey("approvals.id"), nullable=False),
        sa.Column("tool", sa.String(80), nullable=False),
        sa.Column("args", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("data", sa.Text),
        sa.Column("intent_at", _MOMENT, nullable=False),
        sa.Column("outcome_at", _MOMENT),
    )


def _create_audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("incident_id", sa.String(80)),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.String(64)),
        sa.Column("hash", sa.String(64)),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_events_incident", "audit_events", ["incident_id", "id"])
    op.create_index("ix_audit_events_subject", "audit_events", ["subject", "id"])


def _keep_on_sqlite(table: str, columns: tuple[str, ...]) -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{table} rows are kept as they were written'); END"
    of = f" OF {', '.join(columns)}" if columns else ""
    op.execute(f"CREATE TRIGGER {table}_refuse_update BEFORE UPDATE{of} ON {table} {refuse}")
    op.execute(f"CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table} {refuse}")


def _keep_on_postgresql(table: str, columns: tuple[str, ...]) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% rows are kept as they were written', TG_TABLE_NAME; END $$"
    )
    of = f" OF {', '.join(columns)}" if columns else ""
    refuse = "EXECUTE FUNCTION refuse_change()"
    op.execute(f"CREATE TRIGGER {table}_refuse_update BEFORE UPDATE{of} ON {table} FOR EACH ROW {refuse}")
    op.execute(f"CREATE TRIGGER {table}_refuse_delete BEFORE DELETE ON {table} FOR EACH ROW {refuse}")
    op.execute(f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
