"""In whose name a vote counts: the groups of the policy that the voter stood in when it was cast."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; votes of before count for no seat."""
    op.add_column("votes", sa.Column("groups", sa.Text, nullable=False, server_default="[]"))
