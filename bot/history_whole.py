"""Verifies the whole history again and again, in its own time: the watch looks from the last signed head on, and no
further back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog

from bot.adapters.audit_heads import HeadsFile
from bot.adapters.database.audit_check import check_since, existing
from bot.adapters.database.engine import open_database
from bot.adapters.database.row_check import check_rows
from bot.finding import Finding
from core.audit_chain import Noted, Verdict
from core.audit_head import Verifier, fault_of

WHOLE = "whole history"
EVERY = timedelta(minutes=10)
_BREATH = 0.01  # seconds of rest after each few milliseconds of work
_log = structlog.get_logger(__name__)


class _StoppedError(Exception):
    """The process ends before the history does."""


class WholeHistory:
    """Looks at every row from the first signed head on, in a thread of its own that rests more than it works.

    What was written before that head is of no concern: an operator has ended that history by moving the file away."""

    def __init__(self, url: str, heads: HeadsFile, ring: Verifier) -> None:
        self._url = url
        self._heads = heads
        self._ring = ring
        self._stopped = asyncio.Event()
        self._found = Finding("ok", WHOLE, "is being verified")

    async def keep_verifying(self, news: Callable[[], Awaitable[None]], every: timedelta = EVERY) -> None:
        """Verify it now, and `every` so often after that, until `stop`."""
        while not self._stopped.is_set():
            await self.verify(news)
            _log.info("history_looked_at", found=self._found.text)
            with suppress(TimeoutError):
                async with asyncio.timeout(every.total_seconds()):
                    await self._stopped.wait()

    async def verify(self, news: Callable[[], Awaitable[None]]) -> None:
        """Verify it and call `news` when something is wrong. What keeps it from being read is a warning, and takes
        nothing back that was found before; rows that break what reads them are as bad as changed ones."""
        try:
            faults, notes, rows = await asyncio.to_thread(lambda: asyncio.run(self._verified()))
        except _StoppedError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the bot goes on with what it knew
            _log.warning("history_not_verified", error=f"{type(error).__name__}: {error}")
            if self._found.state != "fail":
                self._found = Finding("warn", WHOLE, f"could not be verified ({type(error).__name__}: {error})")
            return
        if faults:
            _log.error("history_contradicted", faults=faults[:5])
            text = f"the history was changed: {faults[0]} (docs/changed-history.md says what to do)"
            self._found = Finding("fail", WHOLE, text)
            await news()
        else:
            told = f"; {notes[0]}" if notes else ""
            self._found = Finding("warn" if notes else "ok", WHOLE, f"verified, {rows} rows{told}")

    def stop(self) -> None:
        """Let go of it within milliseconds."""
        self._stopped.set()

    async def probe(self) -> Sequence[Finding]:
        """Answer the self-check with what was found."""
        return [self._found]

    async def _verified(self) -> tuple[Sequence[str], Sequence[str], int]:
        """Return faults, what is odd but nobody's deed, and the number of rows."""
        # Between the first head and the latest two hundred the chain itself vouches for the rows.
        heads = [head for head in (self._heads.first(), *self._heads.latest()) if head is not None]
        if forged := [wrong for head in heads if (wrong := fault_of(head, self._ring))]:
            return forged, (), 0
        if not heads:
            return (), (), 0
        noted = [Noted(head.head, head.at) for head in heads]
        verdict = await self._chain(noted)
        compared = await check_rows(self._url, noted[0], self._breathe)
        notes = [fault for fault in compared.faults if fault not in compared.grave]
        return [*verdict.faults, *compared.grave], notes, verdict.rows

    async def _chain(self, noted: Sequence[Noted]) -> Verdict:
        database = open_database(existing(self._url))
        try:
            return await check_since(database, noted, self._breathe)
        finally:
            await database.close()

    async def _breathe(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError
        await asyncio.sleep(_BREATH)
