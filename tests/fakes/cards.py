"""Cards that are only written down."""

from collections.abc import Sequence

from core.brief import Brief, Place


class RecordingCards:
    """Implements core.ports.Cards; `shown` lists (kind, id) in order, `said` maps each key to its first sentence."""

    def __init__(self, channel: str = "C0INCIDENTS") -> None:
        self.channel = channel
        self.shown: list[tuple[str, str]] = []
        self.said: dict[str, str] = {}

    async def show_incident(self, incident_id: str) -> Place:
        """Note it; every incident has its own thread."""
        self.shown.append(("incident", incident_id))
        return Place(channel=self.channel, thread_ts=f"1700000000.{sum(incident_id.encode()):06d}")

    async def show_progress(self, brief: Brief, done: Sequence[str], doing: Sequence[str]) -> None:
        """Note it."""
        self.shown.append(("progress", brief.report_id))

    async def show_report(self, report_id: str, place: Place) -> None:
        """Note it."""
        self.shown.append(("report", report_id))

    async def show_approval(self, approval_id: str) -> None:
        """Note it."""
        self.shown.append(("approval", approval_id))

    async def say(self, place: Place, text: str, *, key: str) -> None:
        """Note the first sentence of each key."""
        self.said.setdefault(key, text)
