"""One row per attempt on the outside world: the intent before, the outcome after."""

import json
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, JsonValue

from core.storable import storable_words


class EffectStatus(StrEnum):
    """`intent` without an outcome means that a crash hid the truth: read back, or ask a human."""

    INTENT = "intent"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


def giving_way_to(outcome: EffectStatus) -> frozenset[EffectStatus]:
    """Return the statuses that this outcome may follow: whoever knows that it was done corrects who could not tell."""
    late = {EffectStatus.UNKNOWN} if outcome is EffectStatus.DONE else set[EffectStatus]()
    return frozenset({EffectStatus.INTENT, *late})


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


def output_sha256(text: str, data: JsonValue) -> str:
    """Return the digest (hex) of what an action gave: JSON of `data` and `text` in ASCII, keys sorted, no spaces;
    the same before and after it was stored."""
    output = json.dumps({"data": data, "text": storable_words(text)}, sort_keys=True, separators=(",", ":"))
    return sha256(output.encode("ascii")).hexdigest()
