"""Incidents and their alerts as rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import Database
from bot.adapters.database.models import alerts, incidents
from core.alert import Alert, AlertStatus
from core.errors import NoDataError
from core.grouping import is_late_copy, is_repeated_end, opened, with_alert
from core.incident import Incident, IncidentStatus

_PREFIX = "INC-"


class SqlIncidents:
    """Implements core.ports.Incidents; an incident's id is `INC-` and its row's number."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def join(self, alert: Alert, now: datetime) -> tuple[Incident, bool]:
        """Record the alert on its group's open incident, or open one; see the port."""
        async with self._database.writing() as connection:
            while True:
                current = await _last_of_group(connection, alert.group_key)
                if current is not None and current.status is IncidentStatus.OPEN:
                    incident, changed = with_alert(current, alert, now)
                    if changed:
                        await self._write(connection, incident, alert)
                    return incident, changed
                if current is not None and is_repeated_end(current, alert):
                    return current, False
                if alert.status is AlertStatus.RESOLVED:
                    raise NoDataError(f"No open incident for {alert.group_key}.")
                if current is not None and is_late_copy(current, alert, now):
                    return current, False
                incident = await self._open(connection, alert, now)
                if incident is not None:
                    return incident, True
                # Another worker opened it between our look and our insert: look again, it is there now.

    async def load(self, incident_id: str) -> Incident:
        """Return the incident with its alerts; NoDataError when there is none."""
        number = _number(incident_id)
        async with self._database.reading() as connection:
            found = await _fetch(connection, select(incidents).where(incidents.c.number == number))
        if not found:
            raise NoDataError(f"There is no incident {incident_id}.")
        return found[0]

    async def place(self, incident_id: str, channel: str, thread_ts: str) -> None:
        """Remember where the incident's card stands; NoDataError when there is no such incident."""
        statement = update(incidents).where(incidents.c.number == _number(incident_id))
        async with self._database.writing() as connection:
            result = await connection.execute(statement.values(channel=channel, thread_ts=thread_ts))
        if result.rowcount == 0:
            raise NoDataError(f"There is no incident {incident_id}.")

    async def at(self, channel: str, thread_ts: str) -> Incident | None:
        """Return the incident whose card is that thread's root."""
        if not thread_ts:
            return None
        query = select(incidents).where(incidents.c.channel == channel, incidents.c.thread_ts == thread_ts)
        async with self._database.reading() as connection:
            found = await _fetch(connection, query.limit(1))
        return found[0] if found else None

    async def open(self) -> Sequence[Incident]:
        """Return the open incidents, newest first."""
        query = select(incidents).where(incidents.c.status == IncidentStatus.OPEN.value)
        async with self._database.reading() as connection:
            return await _fetch(connection, query.order_by(incidents.c.number.desc()))

    async def _open(self, connection: AsyncConnection, alert: Alert, now: datetime) -> Incident | None:
        incident = opened("", alert, now)
        insert = self._database.insert(incidents).values(_columns(incident))
        statement = insert.on_conflict_do_nothing(
            index_elements=[incidents.c.group_key], index_where=text("status = 'open'")
        )
        number = (await connection.execute(statement.returning(incidents.c.number))).scalar()
        if number is None:
            return None
        incident = incident.model_copy(update={"id": f"{_PREFIX}{number}"})
        await self._record(connection, number, alert)
        return incident

    async def _write(self, connection: AsyncConnection, incident: Incident, alert: Alert) -> None:
        number = _number(incident.id)
        await connection.execute(update(incidents).where(incidents.c.number == number).values(_columns(incident)))
        await self._record(connection, number, alert)

    async def _record(self, connection: AsyncConnection, number: int, alert: Alert) -> None:
        row = {"incident_number": number, "fingerprint": alert.fingerprint, "body": alert.model_dump(mode="json")}
        statement = self._database.insert(alerts).values(row)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=[alerts.c.incident_number, alerts.c.fingerprint], set_={"body": row["body"]}
            )
        )


async def _last_of_group(connection: AsyncConnection, group_key: str) -> Incident | None:
    query = select(incidents).where(incidents.c.group_key == group_key).order_by(incidents.c.number.desc())
    # The row's lock makes two joins of one group take turns on PostgreSQL; on SQLite the write lock is held already.
    found = await _fetch(connection, query.limit(1).with_for_update())
    return found[0] if found else None


async def _fetch(connection: AsyncConnection, query: Select[Any]) -> list[Incident]:
    rows = (await connection.execute(query)).all()
    numbers = [row.number for row in rows]
    bodies = select(alerts.c.incident_number, alerts.c.body).where(alerts.c.incident_number.in_(numbers))
    found: dict[int, list[Any]] = {number: [] for number in numbers}
    for row in (await connection.execute(bodies.order_by(alerts.c.id))).all() if numbers else ():
        found[row.incident_number].append(row.body)
    return [_incident(row, found[row.number]) for row in rows]


def _incident(row: Row[Any], bodies: list[Any]) -> Incident:
    return Incident.model_validate({**row._mapping, "id": f"{_PREFIX}{row.number}", "alerts": bodies})


def _columns(incident: Incident) -> dict[str, Any]:
    return incident.model_dump(exclude={"id", "alerts"})


def _number(incident_id: str) -> int:
    digits = incident_id.removeprefix(_PREFIX)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise NoDataError(f"There is no incident {incident_id}.")
    return int(digits)
