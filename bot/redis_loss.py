"""Tells operators, once, that Redis has lost what it held: what goes on from SQL, and what nobody can bring back."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

import structlog

from bot.lost_events import Stranded
from core.audit import AuditEvent
from core.ids import new_id
from core.ports import ApprovalQueue, Audit, Clock

SUBJECT = "redis"
_SEEN, _LOST = "RedisFirstSeen", "RedisLost"
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RedisLoss:
    """One tick compares Redis's mark with the one that history knows. Ticks of several workers need one lease.

    `mark` returns the mark, or gives its argument to what has none; `queued` the ids of events that are queued."""

    mark: Callable[[str], Awaitable[str]]
    queued: Callable[[Iterable[str]], Awaitable[Collection[str]]]
    rows: Stranded
    approvals: ApprovalQueue
    audit: Audit
    tell: Callable[[str, str], Awaitable[None]]
    clock: Clock
    _known: str = ""

    async def tick(self) -> None:
        """Look and tell; what cannot be told now is told at a later tick."""
        mark = await self.mark(new_id("rds"))
        if mark == self._known:
            return
        last = next(iter(reversed(await self.audit.of_subject(SUBJECT))), None)
        if last is None or last.details.get("mark") != mark:
            if last is not None:
                text = await self._sentence()
                _log.error("redis_lost_its_data", told=text)
                await self.tell(text, f"redis:{mark}")
            kind = _SEEN if last is None else _LOST
            event = AuditEvent(
                kind=kind, actor="watchkeeper", subject=SUBJECT, at=self.clock.now(), details={"mark": mark}
            )
            await self.audit.append(event)
        self._known = mark

    async def _sentence(self) -> str:
        waiting, decided = len(await self.approvals.pending()), len(await self.approvals.undelivered())
        begun = await self.rows.stranded(self.clock.now())
        queued = await self.queued({letter.kind for letter in begun})
        gone = sum(letter.id not in queued for letter in begun)
        known = f", {_counted(gone, 'event')} that had been begun among it" if gone else ""
        going = f"{_counted(waiting, 'open request')} and {_counted(decided, 'decision')} under way"
        return (
            "⚠️ Redis has lost what it held: it was emptied, or another one stands in its place. From SQL I go on with "
            f"{going}; no vote and no effect is lost. Messages, clicks and alerts that I had taken and not finished "
            f"may be gone{known}: ask me again where I do not answer; alerts that still fire come again by themselves."
        )


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
