"""Holds the history against what was signed of it: a copy put back, a cut tail and a new chain all lack that row."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from bot.adapters.audit_heads import HeadsFile
from bot.finding import Finding
from core.audit_chain import START, Head, Noted, Verdict, rows
from core.audit_head import SignedHead, Verifier, fault_of

HISTORY: Final = "history"
Look = Callable[[Sequence[Noted]], Awaitable[Verdict]]


class Sight(NamedTuple):
    """What one look found: the last signed head, what the chain ends with, what is wrong, and the last row that any
    signed head covers."""

    signed: SignedHead | None
    head: Head
    faults: tuple[str, ...]
    covered: int = 0


class HistoryWatch:
    """Looks from the last signed head on; `look` reads the rows, `ring` knows the keys that may have signed."""

    def __init__(self, heads: HeadsFile, ring: Verifier, look: Look) -> None:
        self._heads = heads
        self._ring = ring
        self._look = look
        self._reported: tuple[SignedHead, ...] = ()
        self._seen = 0
        self.last: Sight | None = None

    @property
    def is_behind(self) -> bool:
        """Whether the last look saw rows that no head covers."""
        return self.last is not None and not self.last.faults and self.last.head.sequence > self.last.covered

    async def remember(self, reported: Sequence[SignedHead]) -> None:
        """Take in heads that somebody else has kept, such as a channel: the next look asks for the newest of them too.

        Those from before the first head of the file belong to a history that an operator has ended."""
        first = await asyncio.to_thread(self._heads.first)
        known = [each for each in reported if first and each.at >= first.at and not fault_of(each, self._ring)]
        self._reported = tuple(sorted(known, key=lambda each: each.sequence)[-1:])

    async def look(self) -> Sight:
        """Look once. TransientError when rows or file cannot be read."""
        lines = await asyncio.to_thread(self._heads.latest)
        signed = max((line for line in lines if line is not None), key=lambda line: line.sequence, default=None)
        faults: list[str] = []
        if lines and lines[-1] is None:
            faults.append(f"the last line of {self._heads.path} is no signed head")
        if signed is not None and (wrong := fault_of(signed, self._ring)):
            faults.append(f"{wrong} ({self._heads.path})")
        kept = None
        try:
            kept = await asyncio.to_thread(self._heads.kept)
        except ValueError as garbled:
            faults.append(str(garbled))
        if kept is not None and (wrong := fault_of(kept, self._ring)):
            faults.append(wrong)
        asked = self._reported
        noted = [Noted(each.head, each.at) for each in (signed, kept, *asked) if each is not None]
        verdict = await self._look(noted if not faults else ())
        faults += verdict.faults
        if not faults and self._reported == asked:
            self._reported = ()  # from here on the file's own heads stand for them
        covered = max((each.head.sequence for each in noted), default=0)
        self.last = Sight(signed, verdict.head, tuple(faults), covered)
        return self.last

    async def probe(self) -> Sequence[Finding]:
        """Answer the self-check: red while the history is not the one that was signed."""
        sight = await self.look()
        if sight.faults:
            what = "(docs/changed-history.md says what to do)"
            text = f"the history is not the one that was signed: {sight.faults[0]} {what}"
            return [Finding("fail", HISTORY, text)]
        if sight.signed is None:
            return [Finding("ok", HISTORY, "nothing is signed yet" if sight.head == START else "not signed yet")]
        seen, self._seen = self._seen, sight.head.sequence
        if seen > sight.covered:  # since the last probe, so not for want of a moment
            text = (
                f"{rows(sight.covered + 1, seen)} covered by no signed head: can {self._heads.path.parent} be written?"
            )
            return [Finding("warn", HISTORY, text)]
        return [Finding("ok", HISTORY, f"holds the head of row {sight.covered}, which was signed")]
