"""The effects ledger in a dict."""

from datetime import datetime

from pydantic import JsonValue

from core.effect import Effect, EffectStatus
from core.errors import NoDataError


class InMemoryEffects:
    """Implements core.ports.Effects."""

    def __init__(self) -> None:
        self.rows: dict[str, Effect] = {}

    async def intend(self, effect: Effect) -> bool:
        """Insert the intent; False when the action has one."""
        return self.rows.setdefault(effect.action_id, effect) is effect

    async def conclude(
        self, action_id: str, *, status: EffectStatus, text: str, data: JsonValue, now: datetime
    ) -> bool:
        """Write the outcome, once; NoDataError without an intent."""
        row = self.rows.get(action_id)
        if row is None:
            raise NoDataError(f"There is no intent of {action_id}.")
        if row.status is not EffectStatus.INTENT:
            return False
        self.rows[action_id] = row.model_copy(update={"status": status, "text": text, "data": data, "outcome_at": now})
        return True

    async def load(self, action_id: str) -> Effect | None:
        """Return the row, or None."""
        return self.rows.get(action_id)
