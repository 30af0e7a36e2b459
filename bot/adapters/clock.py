"""The wall clock; the only `datetime.now` of the project."""

from datetime import UTC, datetime


class SystemClock:
    """Implements core.ports.Clock."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""
        return datetime.now(UTC)
