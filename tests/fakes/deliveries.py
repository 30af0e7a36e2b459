"""What became of every event, in a dict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from core.dead_letter import DeadLetter
from core.errors import NoDataError
from core.event import Event, Start


@dataclass(frozen=True)
class _Row:
    event: Event
    status: Literal["taken", "done", "dead"] = "taken"
    attempts: int = 0
    taken_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    kept: bool = False
    decided_by: str = ""
    untold: bool = False
    attempt: str = ""
    alone: bool = False
    tellings: int = 0


class InMemoryDeliveries:
    """Implements core.ports.Deliveries and DeadLetters; `rows` by event id."""

    def __init__(self) -> None:
        self.rows: dict[str, _Row] = {}

    async def begin(self, event: Event, now: datetime, *, most: int, alone: bool = False, attempt: str = "") -> Start:
        """Count one more attempt, or say why not."""
        row = self.rows.get(event.id, _Row(event))
        since = row.taken_at or now
        if row.status != "taken":
            return Start("over", row.attempts, since, row.attempt)
        silent = row.attempts > 0 and row.ended_at is None
        if row.attempts >= most and not (silent and not row.alone):
            return Start("spent", row.attempts, since, row.attempt)
        if silent and row.attempts >= most - 1 and not alone:
            return Start("suspect", row.attempts, since, row.attempt)
        begun = replace(row, attempts=row.attempts + 1, taken_at=since, ended_at=None, kept=False)
        self.rows[event.id] = replace(begun, attempt=attempt, alone=alone)
        return Start("begun", row.attempts + 1, since, attempt)

    async def done(self, event_id: str, now: datetime) -> None:
        """Note that nothing more is owed."""
        row = self.rows.get(event_id)
        if row is not None and row.status != "done":
            untold = row.untold or row.status == "dead" or bool(row.decided_by)
            self.rows[event_id] = replace(row, status="done", ended_at=now, error="", kept=False, untold=untold)

    async def failed(self, event_id: str, error: str, now: datetime, *, attempt: str = "") -> None:
        """Note how this attempt failed."""
        if self._taken(event_id, attempt):
            self.rows[event_id] = replace(self.rows[event_id], ended_at=now, error=error)

    async def release(self, attempts: Mapping[str, str], now: datetime) -> None:
        """Take back these attempts."""
        for each, attempt in attempts.items():
            if self._taken(each, attempt):
                row = self.rows[each]
                self.rows[each] = replace(row, attempts=max(0, row.attempts - 1), ended_at=now, attempt="")

    async def bury(self, event: Event, error: str, now: datetime, *, attempt: str = "") -> None:
        """Give the event up."""
        row = self.rows.get(event.id, _Row(event, attempts=1, taken_at=now, attempt=attempt))
        if row.status == "taken" and row.attempt == attempt:
            dead = replace(row, event=event, status="dead", ended_at=now, error=error, kept=True, untold=True)
            self.rows[event.id] = replace(dead, tellings=0)

    async def forget(self, before: datetime) -> int:
        """Drop what was done before then."""
        old = [
            each
            for each, row in self.rows.items()
            if row.status == "done" and row.ended_at and row.ended_at < before and not row.untold
        ]
        for each in old:
            del self.rows[each]
        return len(old)

    async def dead(self) -> Sequence[DeadLetter]:
        """Return those that nobody has decided about."""
        return self._letters(lambda row: row.status == "dead")

    async def load(self, letter_id: str) -> DeadLetter:
        """Return that row."""
        if letter_id not in self.rows:
            raise NoDataError(f"There is no event {letter_id}.")
        return _letter(self.rows[letter_id])

    async def decide(self, letter_id: str, *, retry: bool, person: str, now: datetime) -> bool:
        """Begin it anew, or end it."""
        row = self.rows.get(letter_id)
        if row is None or row.status != "dead":
            return False
        row = replace(row, ended_at=now, decided_by=person, untold=True, tellings=0)
        anew = replace(row, status="taken", attempts=0, taken_at=None, attempt="")
        self.rows[letter_id] = anew if retry else replace(row, status="done", kept=False)
        return True

    async def untold(self) -> Sequence[DeadLetter]:
        """Return rows whose card does not show them as they are."""
        due = self._letters(lambda row: row.untold)
        return sorted(due, key=lambda each: self.rows[each.id].tellings)[:50]

    async def not_told(self, letter: DeadLetter) -> None:
        """Note that telling failed."""
        row = self.rows[letter.id]
        self.rows[letter.id] = replace(row, tellings=row.tellings + 1)

    async def told(self, letter: DeadLetter) -> None:
        """Note that the card shows the row like this."""
        row = self.rows[letter.id]
        if row.status == letter.status and (row.status != "dead" or row.ended_at == letter.ended_at):
            self.rows[letter.id] = replace(row, untold=False)

    def _taken(self, event_id: str, attempt: str) -> bool:
        row = self.rows.get(event_id)
        return row is not None and row.status == "taken" and row.attempt == attempt

    def _letters(self, which: Callable[[_Row], bool]) -> list[DeadLetter]:
        return sorted(
            (_letter(row) for row in self.rows.values() if which(row)), key=lambda each: (str(each.ended_at), each.id)
        )


def _letter(row: _Row) -> DeadLetter:
    return DeadLetter(
        id=row.event.id,
        kind=row.event.kind,
        key=row.event.key,
        status=row.status,
        attempts=row.attempts,
        error=row.error,
        received_at=row.event.received_at,
        ended_at=row.ended_at,
        decided_by=row.decided_by,
        event=row.event if row.kept else None,
    )
