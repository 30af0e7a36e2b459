"""One row per attempt on the outside world: the intent before, the outcome after."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, JsonValue


class EffectStatus(StrEnum):
    """`intent` without an outcome means that a crash hid the truth: read back, or ask a human."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Effect(BaseModel):
    """A snapshot of one effects row; `action_id` is unique."""

    model_config = ConfigDict(frozen=True)

    action_id: str
    approval_id: str
    tool: str
    args: dict[str, JsonValue]
    digest: str
    status: EffectStatus
    text: str = ""
    data: JsonValue = None
    intent_at: datetime
    outcome_at: datetime | None = None
