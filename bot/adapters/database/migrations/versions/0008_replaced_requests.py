"""Which request an edited one took the place of; like all that was asked for, it never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and a trigger of its own to keep it."""
    op.add_column("approvals", sa.Column("replaces", sa.String(80)))
    trigger = "CREATE TRIGGER approvals_refuse_update_replaces BEFORE UPDATE OF replaces ON approvals"
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'approvals rows are kept as they were written'); END"
        op.execute(f"{trigger} {refuse}")
    else:
        op.execute(f"{trigger} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
