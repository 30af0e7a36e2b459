"""Tells of the operator's file: one that appears or goes is written down, and every open card hears of it."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.open_cards import OpenCards
from core.audit import AuditEvent
from core.ports import Audit, Clock

SUBJECT = "freeze file"
_APPEARED, _WENT = "FreezeFileAppeared", "FreezeFileWent"


@dataclass(frozen=True, slots=True)
class FreezeNews:
    """One tick compares the file with what history was told last, so that neither a restart nor a second worker tells
    it again. What people turn by command is told by the command."""

    by_file: Callable[[], bool]
    cards: OpenCards
    audit: Audit
    clock: Clock

    async def tick(self) -> None:
        """Tell of a change; the cards first, so that what fails is told again at the next tick."""
        last = next(iter(reversed(await self.audit.of_subject(SUBJECT))), None)
        there = self.by_file()
        if there == (last is not None and last.kind == _APPEARED):
            return
        await self.cards.refresh()
        kind = _APPEARED if there else _WENT
        await self.audit.append(AuditEvent(kind=kind, actor="operator", subject=SUBJECT, at=self.clock.now()))
