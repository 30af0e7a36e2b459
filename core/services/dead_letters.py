"""What a person decides about an event that was given up."""

from dataclasses import dataclass

from core.audit import AuditEvent
from core.dead_letter import DeadLetter
from core.errors import RefusedError
from core.ports import Audit, Clock, DeadLetters


@dataclass(frozen=True, slots=True)
class DeadLetterDesk:
    """Of several who decide about a letter at once, one does."""

    letters: DeadLetters
    audit: Audit
    clock: Clock

    async def retry(self, letter_id: str, person: str) -> DeadLetter:
        """Have it begun anew, with all its attempts; RefusedError when that is decided or cannot be, NoDataError when
        there is no such letter. The worker puts it back into the queue within seconds."""
        if not (await self.letters.load(letter_id)).can_be_retried:
            raise RefusedError("This is no event that I can read, so there is nothing to try again.")
        return await self._decide(letter_id, person, retry=True)

    async def discard(self, letter_id: str, person: str) -> DeadLetter:
        """End it for good; RefusedError when that is decided, NoDataError when there is no such letter."""
        return await self._decide(letter_id, person, retry=False)

    async def _decide(self, letter_id: str, person: str, *, retry: bool) -> DeadLetter:
        now = self.clock.now()
        won = await self.letters.decide(letter_id, retry=retry, person=person, now=now)
        letter = await self.letters.load(letter_id)
        if not won:
            raise RefusedError(already(letter))
        kind = "DeadLetterRetried" if retry else "DeadLetterDiscarded"
        details = {"kind": letter.kind, "error": letter.error}
        await self.audit.append(AuditEvent(kind=kind, actor=person, subject=letter.id, at=now, details=dict(details)))
        return letter


def already(letter: DeadLetter) -> str:
    """Say what became of a letter that is not dead any more."""
    by = f" by <@{letter.decided_by}>" if letter.decided_by.startswith(("U", "W")) else ""
    if letter.status == "done" and letter.error:
        return f"This event is already discarded{by}; nothing was changed."
    if letter.status == "done":
        return "This event is done; nothing was changed."
    return f"This event is already being tried again{by}; nothing was changed."
