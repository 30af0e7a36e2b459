"""Reports in a dict."""

from collections.abc import Sequence

from core.evidence import Report


class InMemoryReports:
    """Implements core.ports.Reports."""

    def __init__(self) -> None:
        self.rows: dict[str, Report] = {}

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
