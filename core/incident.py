"""The human-facing case that groups alerts and owns one Slack thread."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from core.alert import Alert


class IncidentStatus(StrEnum):
    """An incident is open while any of its alerts fires."""

    OPEN = "open"
    RESOLVED = "resolved"


class Incident(BaseModel):
    """A snapshot of one incident row; `channel` and `thread_ts` point at its card once that is posted."""

    model_config = ConfigDict(frozen=True)

    id: str
    group_key: str
    title: str
    service: str
    env: str
    severity: str
    status: IncidentStatus = IncidentStatus.OPEN
    channel: str = ""
    thread_ts: str = ""
    opened_at: datetime
    resolved_at: datetime | None = None
    alerts: tuple[Alert, ...] = ()
