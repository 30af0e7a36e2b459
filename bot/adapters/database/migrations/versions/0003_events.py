"""One row for each event: how often it was begun, how it ended, and the whole of it while it is a dead letter."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "events",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(80), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("taken_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("body", sa.Text),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("untold", sa.Boolean, nullable=False),
    )
    untold = sa.text("untold")
    op.create_index("ix_events_status", "events", ["status", "ended_at"])
    op.create_index("ix_events_untold", "events", ["ended_at"], sqlite_where=untold, postgresql_where=untold)
