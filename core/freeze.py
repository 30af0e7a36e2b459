"""Whether everything stands still, since when, by whom and why."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

SUBJECT = "freeze"
"""What the history files it under."""


class Freeze(BaseModel):
    """The switch as it stands; `person` is empty when an operator's file holds everything, and before the first use."""

    model_config = ConfigDict(frozen=True)

    is_on: bool = False
    person: str = ""
    reason: str = ""
    since: datetime | None = None
