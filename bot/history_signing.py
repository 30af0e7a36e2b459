"""Signs the history's head when it has grown, and calls for a human when it is not the history that was signed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.adapters.audit_heads import HeadsFile
from bot.history_watch import HistoryWatch, Sight
from core.audit import AuditEvent
from core.audit_head import Signer, sign_head
from core.brief import Place
from core.errors import TransientError
from core.ports import Audit, Clock
from core.services.needs_human import NeedsHuman

SUBJECT = "history"
BROKEN = "HistoryBroken"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HistorySigning:
    """One tick signs what is due; `place` says where people are told. Ticks of several workers need one lease."""

    watch: HistoryWatch
    heads: HeadsFile
    signer: Signer
    every: timedelta
    audit: Audit
    human: NeedsHuman
    place: Callable[[], Awaitable[Place]]
    clock: Clock

    async def tick(self) -> None:
        """Look, then sign; a history at fault is told of, once for each signed head, and never signed."""
        sight = self.watch.last
        if sight is None or not sight.faults:
            if sight is not None and not await self._is_due():
                return
            sight = await self.watch.look()
        if sight.faults:
            await self._tell(sight)
        elif sight.head.sequence > (sight.signed.sequence if sight.signed else 0) and await self._is_due():
            head = sign_head(sight.head, self.clock.now(), self.signer)
            try:
                await asyncio.to_thread(self.heads.append, head)
            except TransientError as error:
                _log.warning("history_not_signed", error=str(error))
                raise
            _log.info("history_signed", sequence=head.sequence, key=head.key_id)

    async def _is_due(self) -> bool:
        lines = await asyncio.to_thread(self.heads.latest)
        last = lines[-1] if lines else None
        return last is None or self.clock.now() - last.at >= self.every

    async def _tell(self, sight: Sight) -> None:
        # Not by its faults: their words change with every row that is written on.
        key = f"history:{sight.signed.head}" if sight.signed else "history"
        faults = " ".join(f"{fault[0].upper()}{fault[1:]}." for fault in sight.faults[:5])
        if not any(event.details.get("key") == key for event in await self.audit.of_subject(SUBJECT)):
            _log.error("history_broken", faults=list(sight.faults), signed=str(sight.signed))
            details = {"key": key, "why": faults}
            await self.audit.append(
                AuditEvent(
                    kind=BROKEN, actor="watchkeeper", subject=SUBJECT, at=self.clock.now(), details=dict(details)
                )
            )
        why = f"{faults} I only read until the history is back, or {self.heads.path.name} is moved away on purpose."
        await self.human.tell(await self.place(), "the history is not the one that was signed", why, None, key)
