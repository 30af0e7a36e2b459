"""The life of an open request: how often people were reminded of it, and which ended one it was asked anew for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The columns that an UPDATE may never touch, `reopens` among them now.
_KEPT = (
    "id", "digest", "plan", "requirement", "requester", "reason", "thread_id", "incident_id", "report_id",
    "rollback_of", "channel", "thread_ts", "created_at", "decide_by", "reopens",
)  # fmt: skip


def upgrade() -> None:
    """Add the columns, and let the trigger keep what a request re-opens."""
    op.add_column("approvals", sa.Column("reminded", sa.Integer, nullable=False, server_default="0"))
    op.add_column("approvals", sa.Column("reminding_until", sa.DateTime(timezone=True)))
    op.add_column("approvals", sa.Column("reopens", sa.String(80)))
    of = f"BEFORE UPDATE OF {', '.join(_KEPT)} ON approvals"
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER approvals_refuse_update")
        refuse = "BEGIN SELECT RAISE(ABORT, 'approvals rows are kept as they were written'); END"
        op.execute(f"CREATE TRIGGER approvals_refuse_update {of} {refuse}")
    else:
        op.execute("DROP TRIGGER approvals_refuse_update ON approvals")
        op.execute(f"CREATE TRIGGER approvals_refuse_update {of} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
