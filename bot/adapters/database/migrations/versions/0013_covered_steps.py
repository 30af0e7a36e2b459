"""Which request's votes hold for a later step of its plan or a step's undo; like all that was asked for, it is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and a trigger of its own to keep it."""
    op.add_column("approvals", sa.Column("covered_by", sa.String(80)))
    trigger = "CREATE TRIGGER approvals_refuse_update_covered_by BEFORE UPDATE OF covered_by ON approvals"
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'approvals rows are kept as they were written'); END"
        op.execute(f"{trigger} {refuse}")
    else:
        op.execute(f"{trigger} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
