"""The freeze as a row that every worker reads at every last look."""

from sqlalchemy import select, update

from bot.adapters.database.audit_log import append_events
from bot.adapters.database.engine import Database
from bot.adapters.database.models import switches
from core.audit import AuditEvent
from core.freeze import SUBJECT, Freeze

_ROW = select(switches).where(switches.c.name == SUBJECT)


class SqlSwitches:
    """Implements core.services.freeze.Switches; nothing is kept in memory, so that no worker acts on what was."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Freeze:
        """Return the switch as it is committed; off while nobody has ever turned it."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_ROW)).mappings().first()
        if row is None:
            return Freeze()
        return Freeze(is_on=row["is_on"], person=row["person"], reason=row["reason"], since=row["changed_at"])

    async def turn(self, wanted: Freeze, event: AuditEvent) -> bool:
        """Turn it in one transaction with its event; False when it stood like that."""
        values = {"is_on": wanted.is_on, "person": wanted.person, "reason": wanted.reason, "changed_at": wanted.since}
        changed = update(switches).where(switches.c.name == SUBJECT, switches.c.is_on != wanted.is_on).values(values)
        first = self._database.insert(switches).values(name=SUBJECT, **values)
        async with self._database.writing() as connection:
            turned = (await connection.execute(changed)).rowcount == 1
            if not turned and wanted.is_on:
                once = first.on_conflict_do_nothing(index_elements=[switches.c.name]).returning(switches.c.name)
                turned = (await connection.execute(once)).scalar() is not None
            if turned:
                await append_events(connection, event)
            return turned
