"""An event that was given up: what it was, why, and what somebody decided about it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.event import UNREADABLE, Event


class DeadLetter(BaseModel):
    """One row of events; `status` is `dead` until somebody decides, `taken` while it is tried again, then `done`.

    `event` is whole while the letter is dead or waits to be queued again, and None once that has begun; `ended_at` is
    when it was given up, decided about or done. `decided_by` is a person's id, or `command line`."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    key: str
    status: Literal["taken", "done", "dead"]
    attempts: int
    error: str
    received_at: datetime
    ended_at: datetime | None
    decided_by: str
    event: Event | None

    @property
    def can_be_retried(self) -> bool:
        """False for what never was an event, and for what was lost: there is nothing to try."""
        return self.kind != UNREADABLE and (self.status != "dead" or self.event is not None)
