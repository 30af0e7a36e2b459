"""The durable core with one protection taken out: what the checker has to catch, or it checks nothing."""

from collections.abc import Callable
from typing import Any


def _no_intent_row() -> None:
    """Every attempt believes that it is the first."""
    from bot.adapters.database.effect_store import SqlEffects
    from tools.attempts import Attempts

    async def find(self: Attempts, row: Any) -> None:
        return None

    intend = SqlEffects.intend

    async def always(self: SqlEffects, effect: Any, event: Any) -> bool:
        await intend(self, effect, event)
        return True

    Attempts.find = find  # pyright: ignore[reportAttributeAccessIssue]
    SqlEffects.intend = always


def _acknowledged_unwritten() -> None:
    """The web role says 200 without having written anything."""
    from bot.adapters.redis.queue import RedisQueue
    from core.event import Event

    put = RedisQueue.put

    async def pretend(self: RedisQueue, event: Event) -> bool:
        return True if event.kind == "slack.interactive" else await put(self, event)

    RedisQueue.put = pretend


WEAKENED: dict[str, Callable[[], None]] = {
    "the intent row": _no_intent_row,
    "the durable write": _acknowledged_unwritten,
}
