"""Finished investigations as rows."""

from collections.abc import Sequence

from sqlalchemy import select

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
