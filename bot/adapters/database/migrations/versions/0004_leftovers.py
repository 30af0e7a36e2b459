"""What a crash left is found by index: attempts without an outcome, reports that nobody has been shown."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count every report from before as shown, as nothing tells them apart."""
    op.add_column("reports", sa.Column("shown_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE reports SET shown_at = finished_at")
    unshown, unsettled = sa.text("shown_at IS NULL"), sa.text("status = 'intent'")
    op.create_index("ix_reports_unshown", "reports", ["finished_at"], sqlite_where=unshown, postgresql_where=unshown)
    op.create_index(
        "ix_effects_unsettled", "effects", ["intent_at"], sqlite_where=unsettled, postgresql_where=unsettled
    )
