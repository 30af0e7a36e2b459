"""A person's own vote beside one that their grant has cast: a grant that dies must not keep its giver from voting."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_MOVE = """
INSERT INTO votes_of_either_kind (id, approval_id, person, choice, reason, at, groups, grant_id, grant_use)
SELECT id, approval_id, person, choice, reason, at, groups, grant_id, grant_use FROM votes
"""


def upgrade() -> None:
    """Ask for one vote of each kind by a person, where it was one of either."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.drop_constraint("uq_votes_approval_person", "votes", type_="unique")
    for name, which in (("ux_votes_by_hand", "grant_id IS NULL"), ("ux_votes_by_grant", "grant_id IS NOT NULL")):
        where = sa.text(which)
        op.create_index(
            name, "votes", ["approval_id", "person"], unique=True, sqlite_where=where, postgresql_where=where
        )


def _rebuild() -> None:
    """SQLite drops no constraint: the rows move to a table without it, and what hung on the old one is made anew."""
    connection = op.get_bind()
    belongings = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = 'votes' AND type != 'table' AND sql != ''")
    kept = connection.execute(belongings).scalars().all()
    op.create_table(
        "votes_of_either_kind",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("approval_id", sa.String(80), sa.ForeignKey("approvals.id"), nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("choice", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("groups", sa.Text, nullable=False, server_default="[]"),
        sa.Column("grant_id", sa.String(80)),
        sa.Column("grant_use", sa.Integer),
        sqlite_autoincrement=True,
    )
    op.execute(_MOVE)
    op.drop_table("votes")
    op.rename_table("votes_of_either_kind", "votes")
    for statement in kept:
        op.execute(statement)
