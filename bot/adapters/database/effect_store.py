"""The ledger of attempts on the outside world as rows: each written in one transaction with its line of the history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import JsonValue
from sqlalchemy import Select, bindparam, select, update

from bot.adapters.database.audit_log import append_events
from bot.adapters.database.engine import Database
from bot.adapters.database.models import approvals, effects
from core.approval import ApprovalStatus
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus, giving_way_to
from core.errors import NoDataError

# Made once, as they are on the way of every act.
_ONE = select(effects).where(effects.c.action_id == bindparam("action_id"))
# The new row, where its request is approved and has not run out. Locked, or PostgreSQL would look past an end that has
# not been committed yet.
_ALLOWED = (
    select(*(bindparam(name, type_=effects.c[name].type) for name in Effect.model_fields))
    .where(
        approvals.c.id == bindparam("approval_id"),
        approvals.c.status == ApprovalStatus.APPROVED.value,
        approvals.c.execute_by > bindparam("intent_at"),
    )
    .with_for_update(of=approvals)
)


class SqlEffects:
    """Implements core.ports.Effects."""

    def __init__(self, database: Database) -> None:
        self._database = database
        once = database.insert(effects).from_select([*Effect.model_fields], _ALLOWED)
        self._intend = once.on_conflict_do_nothing(index_elements=[effects.c.action_id]).returning(effects.c.action_id)

    async def intend(self, effect: Effect, event: AuditEvent) -> bool:
        """Insert the intent and its event; False when that action has one, and unless its request is approved and has
        not run out at `effect.intent_at`."""
        async with self._database.writing() as connection:
            first = (await connection.execute(self._intend, effect.model_dump())).scalar() is not None
            if first:
                await append_events(connection, event)
            return first

    async def conclude(
        self, action_id: str, *, status: EffectStatus, text: str, data: JsonValue, now: datetime, event: AuditEvent
    ) -> bool:
        """Write the outcome and its event once, later ones are ignored and False, but done takes the place of unknown;
        NoDataError without an intent."""
        statement = update(effects).where(effects.c.action_id == action_id, effects.c.status.in_(giving_way_to(status)))
        async with self._database.writing() as connection:
            result = await connection.execute(
                statement.values(status=status.value, text=text, data=data, outcome_at=now)
            )
            if result.rowcount == 1:
                await append_events(connection, event)
        if result.rowcount == 0 and await self.load(action_id) is None:
            raise NoDataError(f"There is no intent of {action_id}.")
        return result.rowcount == 1

    async def load(self, action_id: str) -> Effect | None:
        """Return the row, or None."""
        async with self._database.reading() as connection:
            row = (await connection.execute(_ONE, {"action_id": action_id})).first()
        return None if row is None else Effect.model_validate(dict(row._mapping))

    async def unsettled(self, before: datetime) -> Sequence[Effect]:
        """Return at most fifty intents from before that moment that have no outcome, oldest first."""
        query = select(effects).where(effects.c.status == EffectStatus.INTENT.value, effects.c.intent_at < before)
        return await self._fifty(query.order_by(effects.c.intent_at))

    async def begun_since(self, moment: datetime) -> Sequence[Effect]:
        """Return at most fifty attempts begun at that moment or after it, newest first."""
        return await self._fifty(
            select(effects).where(effects.c.intent_at >= moment).order_by(effects.c.intent_at.desc())
        )

    async def _fifty(self, query: Select[Any]) -> Sequence[Effect]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(query.limit(50))).all()
        return [Effect.model_validate(dict(row._mapping)) for row in rows]
