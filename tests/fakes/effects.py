"""The effects ledger in a dict, with its lines in a history."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import JsonValue

from core.audit import AuditEvent
from core.effect import Effect, EffectStatus, giving_way_to
from core.errors import NoDataError
from core.ports import Audit
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit


class InMemoryEffects:
    """Implements core.ports.Effects; beside approval rows it is bound to them as one database binds both."""

    def __init__(self, audit: Audit | None = None, approvals: InMemoryApprovals | None = None) -> None:
        self.rows: dict[str, Effect] = {}
        self.audit = InMemoryAudit() if audit is None else audit
        self.approvals: InMemoryApprovals | None = None
        if approvals is not None:
            self.bind(approvals)

    def bind(self, approvals: InMemoryApprovals) -> None:
        """Let intents depend on these requests, and their ends on the intents."""
        self.approvals, approvals.attempts = approvals, self.rows

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        """Insert the intent and its event; False when the action has one or may not begin any more."""
        if self.approvals is not None and not self.approvals.may_begin(effect.approval_id, effect.intent_at):
            return False
        if self.rows.setdefault(effect.action_id, effect) is not effect:
            return False
        try:
            await self.audit.append(event)
        except BaseException:
            del self.rows[effect.action_id]
            raise
        return True

    async def conclude(
        self, action_id: str, *, status: EffectStatus, text: str, data: JsonValue, now: datetime, event: AuditEvent
    ) -> bool:
        """Write the outcome and its event, once; NoDataError without an intent."""
        row = self.rows.get(action_id)
        if row is None:
            raise NoDataError(f"There is no intent of {action_id}.")
        if row.status not in giving_way_to(status):
            return False
        await self.audit.append(event)
        self.rows[action_id] = row.model_copy(update={"status": status, "text": text, "data": data, "outcome_at": now})
        return True

    async def load(self, action_id: str) -> Effect | None:
        """Return the row, or None."""
        return self.rows.get(action_id)

    async def unsettled(self, before: datetime) -> Sequence[Effect]:
        """Return what is older and has no outcome."""
        rows = sorted(self.rows.values(), key=lambda row: row.intent_at)
        return [row for row in rows if row.status is EffectStatus.INTENT and row.intent_at < before][:50]

    async def begun_since(self, moment: datetime) -> Sequence[Effect]:
        """Return what is not older, newest first."""
        rows = sorted(self.rows.values(), key=lambda row: row.intent_at, reverse=True)
        return [row for row in rows if row.intent_at >= moment][:50]
