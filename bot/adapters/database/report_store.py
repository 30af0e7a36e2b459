"""Finished investigations as rows."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from bot.adapters.database.engine import Database
from bot.adapters.database.models import reports
from core.evidence import Report


class SqlReports:
    """Implements core.ports.Reports; the report itself is one JSON value."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, report: Report) -> None:
        """Insert the report, or replace the one with its id."""
        row = {
            "id": report.id,
            "thread_id": report.thread_id,
            "finished_at": report.finished_at,
            "body": report.model_dump(mode="json"),
        }
        statement = self._database.insert(reports).values(row)
        async with self._database.writing() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=[reports.c.id], set_=row))

    async def load(self, report_id: str) -> Report | None:
        """Return the report, or None while there is none."""
        async with self._database.reading() as connection:
            body = (await connection.execute(select(reports.c.body).where(reports.c.id == report_id))).scalar()
        return None if body is None else Report.model_validate(body)

    async def of_thread(self, thread_id: str) -> Sequence[Report]:
        """Return the reports of one LangGraph thread, oldest first."""
        query = select(reports.c.body).where(reports.c.thread_id == thread_id)
        async with self._database.reading() as connection:
            bodies = (await connection.execute(query.order_by(reports.c.finished_at, reports.c.id))).scalars().all()
        return [Report.model_validate(body) for body in bodies]

    async def shown(self, report_id: str, now: datetime) -> None:
        """Note that everything that follows from the report has been done; the first note stands."""
        statement = update(reports).where(reports.c.id == report_id, reports.c.shown_at.is_(None))
        async with self._database.writing() as connection:
            await connection.execute(statement.values(shown_at=now))

    async def unshown(self, before: datetime) -> Sequence[str]:
        """Return the ids of at most fifty reports finished before that moment of which this is not noted."""
        query = select(reports.c.id).where(reports.c.shown_at.is_(None), reports.c.finished_at < before)
        async with self._database.reading() as connection:
            return (await connection.execute(query.order_by(reports.c.finished_at).limit(50))).scalars().all()
