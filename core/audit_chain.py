"""The chain over the history: a row's hash covers its content, its place and the row before, so no change goes unseen.

A chain alone cannot show a cut tail or a chain that was computed anew: for these a head has to be noted elsewhere.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, Self

from core.audit import AuditEvent
from core.storable import storable_json, storable_words

# Names the encoding below; another encoding needs another label, and the sequence number from which it holds.
LABEL = b"watchkeeper audit 1\n"
_MOST_FAULTS = 100
# By as much may the clocks of two writers differ.
_SKEW = timedelta(seconds=30)
_NOTED = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")


class Head(NamedTuple):
    """The last row of a chain: its sequence number (from 1, without gaps) and its hash (64 hex digits)."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the head that `str` had written as `SEQ:HASH`; ValueError for anything else."""
        found = _NOTED.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError("a head is written SEQ:HASH, as `audit verify` prints it")
        return cls(int(found[1]), found[2])


START = Head(0, "0" * 64)


class Noted(NamedTuple):
    """A head that was written down outside the database, and when, if that is known."""

    head: Head
    at: datetime | None = None

    def missed_by(self, row: "StoredRow") -> str:
        """Return why the row, which stands at this head's place, is not the one that was written down."""
        sequence = self.head.sequence
        if self.at is None:
            return f"row {sequence} is not the one that was noted: the chain was computed anew"
        said = f"row {sequence} is not the one that was signed on {_minute(self.at)}"
        later = _moment(self.at + _SKEW).encode()
        if (row.content[_AT] or b"") > later:
            return f"{said}: it was written after that, over an older copy of the database (or a tail that was cut)"
        return f"{said}: the chain was computed anew"

    def missing(self, last: int) -> str:
        """Return what it means that the chain ends with row `last`, before this head."""
        gap = f"{rows(last + 1, self.head.sequence)} missing at the end"
        if self.at is None:
            return f"{gap}: the head that was noted is not there"
        told = f"row {self.head.sequence} was there when it was signed on {_minute(self.at)}"
        return f"{gap}: {told}, so the tail was cut off, or an older copy of the database put back"


class Content(NamedTuple):
    """What a row says, each field as the bytes that the database keeps (text in UTF-8)."""

    kind: bytes
    actor: bytes
    subject: bytes
    incident_id: bytes | None
    at: bytes
    """UTC as `2026-11-22 09:00:00.000000`."""
    details: bytes


_AT = Content._fields.index("at")


class StoredRow(NamedTuple):
    """A row as it was read, unparsed: whoever changed it need not have kept to any type."""

    id: int
    sequence: object
    previous_hash: bytes | None
    hash: bytes | None
    content: Sequence[bytes | None]
    """In the order of `Content`."""


def content_of(event: AuditEvent) -> Content:
    """Return what is stored of an event; ValueError for a moment without a zone, which no database could keep."""
    if event.at.tzinfo is None:
        raise ValueError("a moment without a time zone cannot be stored")
    return Content(
        kind=event.kind.encode(),
        actor=storable_words(event.actor).encode(),
        subject=storable_words(event.subject).encode(),
        incident_id=None if event.incident_id is None else event.incident_id.encode(),
        at=_moment(event.at).encode(),
        details=storable_json(event.details).encode(),
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def next_head(head: Head, content: Content) -> Head:
    """Return the chain's head once a row with that content stands behind `head`."""
    sequence = head.sequence + 1
    return Head(sequence, _row_hash(head.hash.encode(), sequence, content).decode())


def _row_hash(previous: bytes, sequence: int, content: Sequence[bytes | None]) -> bytes:
    return sha256(LABEL + encoded((previous, b"%d" % sequence)) + encoded(content)).hexdigest().encode()


def encoded(fields: Sequence[bytes | None]) -> bytes:
    """Return the fields one after the other, each with its length, so that no two rows look alike; `~` is NULL."""
    return b"".join([b"~," if field is None else b"%d:%b," % (len(field), field) for field in fields])


class Verdict(NamedTuple):
    """What a check found: `faults` holds one sentence each in the chain's order, `more` counts those left out."""

    rows: int
    head: Head
    faults: tuple[str, ...]
    more: int

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class ChainCheck:
    """Looks at a chain's rows one after the other, in the order of their sequence numbers, in constant memory.

    `after` begins the look behind a row: what stands before is not asked for, and not looked at.
    """

    def __init__(self, noted: Iterable[Noted] = (), after: int = START.sequence) -> None:
        self._noted: dict[int, list[Noted]] = {}
        for each in noted:
            self._noted.setdefault(each.head.sequence, []).append(each)
        self._fitting = START.sequence
        self._missed: list[tuple[int, str]] = []
        self._rows = 0
        self._sequence = after
        self._ids = (0, 0)  # of the row before the last one, and of the last one
        # What a row may follow; None where that cannot be told, behind a gap or a row that is wrong itself.
        self._before: set[bytes] | None = None
        self._tips: set[bytes] | None = None if after else {START.hash.encode()}
        self._head = Head(after, START.hash)
        self._suspects: list[tuple[int, StoredRow]] = []
        self._faults: list[tuple[int, str]] = []
        self._count = 0

    def look_at(self, row: StoredRow) -> None:
        """Take the next row in."""
        self._rows += 1
        sequence, previous, own = row.sequence, row.previous_hash, row.hash
        if type(sequence) is not int or sequence < 1:
            self._fault(self._sequence, f"the row with id {row.id} stands outside the chain")
            return
        self._check_place(sequence, row.id)
        if previous is None or own is None or _row_hash(previous, sequence, row.content) != own:
            self._suspect(sequence, row)
            self._tips = None
        elif self._before is not None and previous not in self._before:
            self._fault(sequence, _unlinked(sequence))
        if self._tips is not None and own is not None:
            self._tips.add(own)
        self._head = Head(sequence, own.decode("ascii", "replace") if own else "")
        self._compare(sequence, row)

    def finish(self) -> Verdict:
        """Return what was found; nothing may be looked at afterwards."""
        last = max(self._noted.values(), key=lambda there: there[0].head.sequence, default=None)
        if last and self._head.sequence < last[0].head.sequence:
            self._fault(last[0].head.sequence, last[0].missing(self._head.sequence))
        for sequence, text in self._missed[:1]:  # the rest follows from it
            known = f"; the last head that fits is that of row {self._fitting}" if self._fitting else ""
            self._fault(sequence, text + known)
        faults = sorted([*self._faults, *self._explained()], key=lambda fault: fault[0])[:_MOST_FAULTS]
        return Verdict(self._rows, self._head, tuple(text for _, text in faults), self._count - len(faults))

    def _compare(self, sequence: int, row: StoredRow) -> None:
        for noted in self._noted.get(sequence, ()):
            if self._head.hash != noted.head.hash:
                self._missed.append((sequence, noted.missed_by(row)))
            elif not self._missed:
                self._fitting = sequence

    def _check_place(self, sequence: int, row_id: int) -> None:
        if sequence == self._sequence:
            self._fault(sequence, f"row {sequence} stands twice (ids {self._ids[1]} and {row_id})")
        else:
            self._before = self._tips if sequence == self._sequence + 1 else None
            self._tips = set()
            if sequence > self._sequence + 1:
                self._fault(sequence, f"{rows(self._sequence + 1, sequence - 1)} missing")
        # Ids rise with the sequence numbers: a row that was taken out and put in again has a newer one.
        if row_id < self._ids[1]:
            late = self._sequence if row_id > self._ids[0] else sequence
            self._fault(late, f"row {late} was put back later: its id is out of order")
        self._sequence, self._ids = sequence, (self._ids[1], row_id)

    def _fault(self, sequence: int, text: str) -> None:
        self._count += 1
        if len(self._faults) < _MOST_FAULTS:
            self._faults.append((sequence, text))

    def _suspect(self, sequence: int, row: StoredRow) -> None:
        self._count += 1
        if len(self._suspects) < _MOST_FAULTS:
            self._suspects.append((sequence, row))

    def _explained(self) -> list[tuple[int, str]]:
        return [(sequence, self._explain(sequence, row)) for sequence, row in self._suspects]

    def _explain(self, sequence: int, row: StoredRow) -> str:
        for place, there in self._suspects:
            for links in (row, there):  # moved with its hashes, or its content alone
                previous = links.previous_hash
                if place != sequence and previous and _row_hash(previous, place, row.content) == links.hash:
                    return f"row {sequence} holds what was written as row {place}"
        return f"row {sequence} was changed: its content does not fit its hash"


def _unlinked(sequence: int) -> str:
    if sequence == 1:
        return "row 1 is not the beginning: its hash builds on something that stood before it"
    return f"row {sequence} does not follow row {sequence - 1}: that one was written anew, with a hash of its own"


def rows(first: int, last: int) -> str:
    """Return "row 4 is" or "rows 4 to 7 are"."""
    return f"row {first} is" if first == last else f"rows {first} to {last} are"
