"""Every row of the history gets its place in a chain of hashes; those from before it are chained as they stand."""

from datetime import UTC, datetime
from hashlib import sha256

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_CHUNK = 2000
_CONTENT = ("kind", "actor", "subject", "incident_id", "at", "details")
_rows = sa.table(
    "audit_events",
    sa.column("id", sa.BigInteger),
    *(sa.column(name, sa.Text) for name in ("kind", "actor", "subject", "incident_id", "details")),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("sequence", sa.BigInteger),
    sa.column("previous_hash", sa.Text),
    sa.column("hash", sa.Text),
)
# A turn and the head, for the statement that appends. The lock has to be waited for in a statement of its own, or the
# head would be read as it was before the wait; in a volatile function each sees what is committed when it begins.
# Whoever stops in the middle of a transaction must not stop everybody else: two limits, for this transaction only.
_HEAD = """
CREATE FUNCTION audit_events_head(wait text, patience text, OUT sequence bigint, OUT hash text)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('lock_timeout', wait, true);
    PERFORM set_config('idle_in_transaction_session_timeout', patience, true);
    PERFORM pg_advisory_xact_lock(1635083369);
    SELECT last.sequence, last.hash INTO sequence, hash FROM audit_events AS last ORDER BY last.sequence DESC LIMIT 1;
    IF NOT FOUND THEN sequence := 0; hash := repeat('0', 64); END IF;
END $$
"""
_UNIQUE = ("uq_audit_events_sequence", ["sequence"])


def upgrade() -> None:
    """Chain what there is, then let no row in without a place; all of it in the migration's one transaction."""
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def _upgrade_sqlite() -> None:
    for event in ("update", "delete"):
        op.execute(f"DROP TRIGGER audit_events_refuse_{event}")
    op.add_column("audit_events", sa.Column("sequence", _SERIAL))
    _chain()
    # SQLite cannot forbid NULL in a column that is there, so the table is written anew.
    with op.batch_alter_table("audit_events", recreate="always", table_kwargs={"sqlite_autoincrement": True}) as table:
        _forbid_null(table)
        table.create_unique_constraint(*_UNIQUE)
    refuse = "BEGIN SELECT RAISE(ABORT, 'audit_events rows are kept as they were written'); END"
    for event in ("update", "delete"):
        op.execute(f"CREATE TRIGGER audit_events_refuse_{event} BEFORE {event.upper()} ON audit_events {refuse}")


def _upgrade_postgresql() -> None:
    op.add_column("audit_events", sa.Column("sequence", _SERIAL))
    op.execute("ALTER TABLE audit_events DISABLE TRIGGER USER")
    _chain()
    op.execute("ALTER TABLE audit_events ENABLE TRIGGER USER")
    with op.batch_alter_table("audit_events") as table:
        _forbid_null(table)
    name, columns = _UNIQUE
    op.create_unique_constraint(name, "audit_events", columns)
    op.execute(_HEAD)


def _forbid_null(table: BatchOperations) -> None:
    table.alter_column("sequence", existing_type=_SERIAL, nullable=False)
    table.alter_column("previous_hash", existing_type=sa.String(64), nullable=False)
    table.alter_column("hash", existing_type=sa.String(64), nullable=False)


def _chain() -> None:
    bind = op.get_bind()
    last, sequence, previous = 0, 0, "0" * 64
    change = (
        sa.update(_rows)
        .where(_rows.c.id == sa.bindparam("of"))
        .values({name: sa.bindparam(f"new_{name}") for name in ("sequence", "previous_hash", "hash")})
    )
    while found := bind.execute(sa.select(_rows).where(_rows.c.id > last).order_by(_rows.c.id).limit(_CHUNK)).all():
        links: list[dict[str, object]] = []
        for row in found:
            sequence += 1
            own = _hash(previous, sequence, [_stored(row._mapping[name]) for name in _CONTENT])
            links.append({"of": row.id, "new_sequence": sequence, "new_previous_hash": previous, "new_hash": own})
            last, previous = row.id, own
        bind.execute(change, links)


def _stored(value: str | datetime | None) -> bytes | None:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return moment.isoformat(" ", "microseconds").encode()
    return None if value is None else value.encode()


def _hash(previous: str, sequence: int, content: list[bytes | None]) -> str:
    fields = (previous.encode(), b"%d" % sequence, *content)
    parts = [b"~," if field is None else b"%d:%b," % (len(field), field) for field in fields]
    return sha256(b"watchkeeper audit 1\n" + b"".join(parts)).hexdigest()
