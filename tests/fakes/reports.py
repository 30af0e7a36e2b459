"""Reports in a dict."""

from collections.abc import Sequence
from datetime import datetime

from core.evidence import Report


class InMemoryReports:
    """Implements core.ports.Reports."""

    def __init__(self) -> None:
        self.rows: dict[str, Report] = {}
        self.told: set[str] = set()

    async def save(self, report: Report) -> None:
        """Insert or replace."""
        self.rows[report.id] = report

    async def load(self, report_id: str) -> Report | None:
        """Return the report, or None."""
        return self.rows.get(report_id)

    async def of_thread(self, thread_id: str) -> Sequence[Report]:
        """Return one thread's reports, oldest first."""
        rows = [row for row in self.rows.values() if row.thread_id == thread_id]
        return sorted(rows, key=lambda row: (row.finished_at, row.id))

    async def shown(self, report_id: str, now: datetime) -> None:
        """Note it."""
        self.told.add(report_id)

    async def unshown(self, before: datetime) -> Sequence[str]:
        """Return the ids of those that are older and not noted."""
        rows = sorted(self.rows.values(), key=lambda row: row.finished_at)
        return [row.id for row in rows if row.finished_at < before and row.id not in self.told][:50]
