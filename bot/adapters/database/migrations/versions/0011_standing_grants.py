"""Approvals given ahead, and which votes were cast by them; what a grant says never changes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table with its triggers, and add the columns; the votes' own triggers keep those."""
    op.create_table(
        "standing_grants",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("ended_as", sa.String(16)),
        sa.Column("ended_by", sa.String(64), nullable=False, server_default=""),
    )
    op.add_column("votes", sa.Column("grant_id", sa.String(80)))
    op.add_column("votes", sa.Column("grant_use", sa.Integer))
    granted = sa.text("grant_id IS NOT NULL")
    op.create_index("ix_votes_grant", "votes", ["grant_id"], sqlite_where=granted, postgresql_where=granted)
    sqlite = op.get_bind().dialect.name == "sqlite"
    refuse = (
        "BEGIN SELECT RAISE(ABORT, 'standing_grants rows are kept as they were written'); END"
        if sqlite
        else "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    trigger = "CREATE TRIGGER standing_grants_refuse"
    op.execute(f"{trigger}_update BEFORE UPDATE OF id, body, digest ON standing_grants {refuse}")
    op.execute(f"{trigger}_delete BEFORE DELETE ON standing_grants {refuse}")
    if not sqlite:
        whole = "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        op.execute(f"{trigger}_truncate BEFORE TRUNCATE ON standing_grants {whole}")
