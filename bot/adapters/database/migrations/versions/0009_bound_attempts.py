"""Verdicts are bound to their attempt, a silent end counts for what was alone, and what cannot be told waits behind."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; attempts that are under way go by the empty word."""
    op.add_column("events", sa.Column("attempt", sa.String(32), nullable=False, server_default=""))
    op.add_column("events", sa.Column("alone", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("events", sa.Column("tellings", sa.Integer, nullable=False, server_default="0"))
