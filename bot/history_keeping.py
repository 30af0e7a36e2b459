"""Keeps the newest head outside the database a second or two after whatever was decided or done, so that a copy that
is put back hides no row; the signatures for people come more rarely."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from bot.adapters.audit_heads import HeadsFile
from bot.history_watch import HistoryWatch, Look
from core.audit_chain import Head, Noted
from core.audit_head import SignedHead, Signer, sign_head
from core.errors import TransientError
from core.ports import Clock

_log = structlog.get_logger(__name__)
_LAST_WITHIN = 2.0
_MOST_PAUSES = 5


@dataclass(slots=True)
class HistoryKeeping:
    """One tick keeps what was committed since the last one; nobody who decides or acts waits for it."""

    watch: HistoryWatch
    heads: HeadsFile
    signer: Signer
    look: Look
    grown: asyncio.Event
    clock: Clock
    quiet_seconds: float = 0.2
    is_failing: bool = False

    async def tick(self) -> None:
        """Sign the head and write it over the last; a history at fault is left to whoever tells of it."""
        if not self.grown.is_set() and not self.watch.is_behind:
            return
        # A click's way to its effect is a handful of commits: the disk is theirs until they are through.
        for _ in range(_MOST_PAUSES):
            self.grown.clear()
            await asyncio.sleep(self.quiet_seconds)
            if not self.grown.is_set():
                break
        await self._keep_once()

    async def _keep_once(self) -> None:
        self.grown.clear()
        try:
            await self._keep()
        except TransientError as error:
            self.grown.set()
            if not self.is_failing:
                _log.warning("head_not_kept", error=str(error))
            self.is_failing = True
            raise
        self.is_failing = False

    async def finish(self) -> None:
        """Keep what the last second has brought, when the process ends; an outage holds it up for two seconds."""
        try:
            async with asyncio.timeout(_LAST_WITHIN):
                await self._keep_once()
        except (TransientError, TimeoutError) as error:
            _log.warning("head_not_kept", error=str(error))

    async def _keep(self) -> None:
        try:
            kept = await asyncio.to_thread(self.heads.kept)
        except ValueError:
            return
        head = await self._sound_head(kept)
        if head is not None and head.sequence > (kept.sequence if kept else 0):
            await asyncio.to_thread(self.heads.keep, sign_head(head, self.clock.now(), self.signer))

    async def _sound_head(self, kept: SignedHead | None) -> Head | None:
        """Return what the chain ends with; None while it lacks what was signed of it, or nothing is signed yet."""
        if kept is None:
            sight = await self.watch.look()
            return None if sight.faults or sight.signed is None else sight.head
        noted: Sequence[Noted] = [Noted(kept.head, kept.at)]
        verdict = await self.look(noted)
        return None if verdict.faults else verdict.head
