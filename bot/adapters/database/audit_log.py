"""The append-only history as a chain of rows; triggers refuse to change or delete them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    LargeBinary,
    Select,
    String,
    Text,
    bindparam,
    column,
    exists,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import Database
from bot.adapters.database.models import audit_events
from core.audit import AuditEvent
from core.audit_chain import LABEL, START, Content, Head, content_of, encoded, next_head
from core.storable import storable_json

_OLDEST_FIRST = select(audit_events).order_by(audit_events.c.id)
# Made once: a last look before an effect asks for it, and to make it takes as long as to carry it out.
_OF_SUBJECT = _OLDEST_FIRST.where(audit_events.c.subject == bindparam("subject"))
_LAST = select(audit_events.c.sequence, audit_events.c.hash).order_by(audit_events.c.sequence.desc()).limit(1)
# The JSON goes in as the very text that was hashed.
_VALUES = {
    name: bindparam(name, type_=Text() if name == "details" else audit_events.c[name].type) for name in Content._fields
}
_LINKS = ("sequence", "previous_hash", "hash")
_INSERT = insert(audit_events).values(_VALUES | {name: bindparam(name) for name in _LINKS}).inline()


class SqlAudit:
    """Implements core.ports.Audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, event: AuditEvent) -> None:
        """Add one row; once this returns it is kept."""
        async with self._database.writing() as connection:
            await append_events(connection, event)

    async def of_incident(self, incident_id: str) -> Sequence[AuditEvent]:
        """Return an incident's rows, oldest first."""
        return await self._fetch(_OLDEST_FIRST.where(audit_events.c.incident_id == incident_id))

    async def of_subject(self, subject: str) -> Sequence[AuditEvent]:
        """Return one subject's rows, oldest first."""
        return await self._fetch(_OF_SUBJECT, subject=subject)

    async def has(self, kind: str, subject: str, details: Mapping[str, str], incident_id: str | None = None) -> bool:
        """True when such a row is there; details are of the first level."""
        rows = exists().where(audit_events.c.kind == kind, audit_events.c.subject == subject)
        if incident_id is not None:
            rows = rows.where(audit_events.c.incident_id == incident_id)
        for name, value in details.items():
            # As it was written: within a text every quotation mark is escaped, so this can only be a name and a value.
            written = storable_json({name: value}).removeprefix("{").removesuffix("}")
            rows = rows.where(type_coerce(audit_events.c.details, Text).contains(written, autoescape=True))
        async with self._database.reading() as connection:
            return bool((await connection.execute(select(rows))).scalar())

    async def _fetch(self, query: Select[Any], **values: str) -> list[AuditEvent]:
        async with self._database.reading() as connection:
            return [AuditEvent.model_validate(dict(row._mapping)) for row in await connection.execute(query, values)]


async def append_events(connection: AsyncConnection, *events: AuditEvent) -> None:
    """Add one row for each in the caller's transaction of `Database.writing`, as its last statements: from here to its
    end nobody else can append. ValueError for a moment without a time zone."""
    if not events:
        return
    contents = [content_of(event) for event in events]
    rows = [
        event.model_dump(exclude={"details"}) | {"details": content.details.decode()}
        for event, content in zip(events, contents, strict=True)
    ]
    if connection.dialect.name == "postgresql":
        for row, content in zip(rows, contents, strict=True):
            await connection.execute(_APPEND, row | {"content": encoded(content)})
        return
    # SQLite's transaction has held the write lock from its start.
    last = (await connection.execute(_LAST)).first()
    head = START if last is None else Head(last.sequence, last.hash)
    for row, content in zip(rows, contents, strict=True):
        own = next_head(head, content)
        row |= {"sequence": own.sequence, "previous_hash": head.hash, "hash": own.hash}
        head = own
    await connection.execute(_INSERT, rows)


def _append_in_turn(wait: str = "10s", patience: str = "30s") -> Any:
    """Return PostgreSQL's statement: it waits for its turn, reads the head and hashes, all in one round trip.

    It waits as long as SQLite would; whoever has the turn and then does nothing for that long loses it."""
    head = func.audit_events_head(literal_column(f"'{wait}'"), literal_column(f"'{patience}'"))
    head = head.table_valued(column("sequence", BigInteger), column("hash", String), name="head")
    sequence, digits = "(head.sequence + 1)", "CAST(head.sequence + 1 AS text)"
    # What core.audit_chain puts before the content; every check of the chain compares both.
    label = f"E'{LABEL.decode('ascii').encode('unicode_escape').decode()}'"
    links = literal_column(
        f"convert_to({label} || '64:' || head.hash || ',' || length({digits}) || ':' || {digits} || ',', 'UTF8')",
        LargeBinary,
    )
    own = func.encode(func.sha256(links.op("||")(bindparam("content", type_=LargeBinary))), literal_column("'hex'"))
    row = select(*_VALUES.values(), literal_column(sequence), head.c.hash, own)
    return insert(audit_events).from_select([*_VALUES, *_LINKS], row)


_APPEND = _append_in_turn()
