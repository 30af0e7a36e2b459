"""What became of every event, as rows: attempts are counted before they begin, and none follows the end."""

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, Integer, Row, bindparam, case, delete, func, or_, select, update

from bot.adapters.database.engine import Database
from bot.adapters.database.group_commit import GroupCommit
from bot.adapters.database.models import events
from core.dead_letter import DeadLetter
from core.errors import NoDataError
from core.event import Event, Start
from core.storable import storable_words

_TAKEN, _DONE, _DEAD = "taken", "done", "dead"
_PAGE = 50
_MANY = 1000
_LONGEST_ID = 200


class SqlDeliveries:
    """Implements core.ports.Deliveries and DeadLetters.

    An attempt is counted when it begins, and taken back if it ends for no fault of its event. One that is neither taken
    back nor ended is what a killed process leaves: `ended_at` stays empty."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._commits = GroupCommit(database)
        # Only attempts that left no word make a suspect; one that failed in good order endangers nobody.
        silent = (events.c.attempts > 0) & events.c.ended_at.is_(None)
        most = bindparam("most_attempts", type_=Integer)
        self._alone = _begun(database, (events.c.attempts < most) | (silent & ~events.c.alone))
        self._in_company = _begun(database, (events.c.attempts < most) & ~(silent & (events.c.attempts == most - 1)))

    async def begin(self, event: Event, now: datetime, *, most: int, alone: bool = False, attempt: str = "") -> Start:
        """Count one more attempt, unless the event is over, spent or a suspect that is not alone; see the port."""
        begun = {"attempts": 1, "taken_at": now, "attempt": attempt, "alone": alone}
        rows = await self._commits.run(
            row_id(event.id), self._alone if alone else self._in_company, _row(event) | begun | {"most_attempts": most}
        )
        if rows:
            return Start("begun", rows[0].attempts, rows[0].taken_at, attempt)
        row = await self._load(row_id(event.id))
        final = row.ended_at is not None or row.alone
        state = "over" if row.status != _TAKEN else "spent" if row.attempts >= most and final else "suspect"
        return Start(state, row.attempts, row.taken_at or now, row.attempt)

    async def done(self, event_id: str, now: datetime) -> None:
        """Note that nothing more is owed; a dead letter whose attempt went on elsewhere and succeeded is done too."""
        asked_about = or_(events.c.status == _DEAD, events.c.decided_by != "")
        statement = update(events).where(events.c.id == row_id(event_id), events.c.status != _DONE)
        untold = case((asked_about, True), else_=events.c.untold)
        await self._commits.run(
            row_id(event_id), statement.values(status=_DONE, ended_at=now, error="", body=None, untold=untold)
        )

    async def failed(self, event_id: str, error: str, now: datetime, *, attempt: str = "") -> None:
        """Note how this attempt failed."""
        await self._commits.run(row_id(event_id), _of_attempt(event_id, attempt).values(ended_at=now, error=error))

    async def release(self, attempts: Mapping[str, str], now: datetime) -> None:
        """Take back these attempts; each once, however often it is said."""
        fewer = case((events.c.attempts > 0, events.c.attempts - 1), else_=0)
        back = {"attempts": fewer, "ended_at": now, "attempt": ""}
        writes = ((row_id(each), _of_attempt(each, word).values(back)) for each, word in attempts.items())
        await asyncio.gather(*(self._commits.run(*write) for write in writes))

    async def bury(self, event: Event, error: str, now: datetime, *, attempt: str = "") -> None:
        """Give the event up and keep it whole; one that is over already, or begun anew, stays as it is."""
        given_up = _given_up(error, now) | {"body": event.model_dump(mode="json")}
        fresh = self._database.insert(events).values(_row(event) | {"attempts": 1, "taken_at": now} | given_up)
        same = (events.c.status == _TAKEN) & (events.c.attempt == attempt)
        again = fresh.on_conflict_do_update(index_elements=[events.c.id], set_=given_up, where=same)
        await self._commits.run(row_id(event.id), again)

    async def stranded(self, before: datetime) -> Sequence[DeadLetter]:
        """Return at most a thousand rows that were begun, or sent back into the queue, before then and are not over."""
        query = select(events).where(_stranded(before)).order_by(events.c.id).limit(_MANY)
        async with self._database.reading() as connection:
            return [_letter(row) for row in await connection.execute(query)]

    async def lose(
        self, stranded: Sequence[DeadLetter], queued: Collection[str], before: datetime, error: str, now: datetime
    ) -> int:
        """Give up those whose event is not queued and that nobody has begun since; returns how many."""
        there, rows = {row_id(each) for each in queued}, 0
        async with self._database.writing() as connection:
            for each in (letter for letter in stranded if letter.id not in there):
                same = (events.c.id == each.id) & (events.c.attempts == each.attempts) & _stranded(before)
                rows += (await connection.execute(update(events).where(same).values(_given_up(error, now)))).rowcount
        return rows

    async def forget(self, before: datetime) -> int:
        """Delete rows that were done before then and return how many; dead letters stay until somebody decides."""
        old = delete(events).where(events.c.status == _DONE, events.c.ended_at < before, ~events.c.untold)
        async with self._database.writing() as connection:
            return (await connection.execute(old)).rowcount

    async def not_told(self, letter: DeadLetter) -> None:
        """Put the row behind those that failed less often."""
        statement = update(events).where(events.c.id == letter.id)
        async with self._database.writing() as connection:
            await connection.execute(statement.values(tellings=events.c.tellings + 1))

    async def dead(self) -> Sequence[DeadLetter]:
        """Return those that nobody has decided about, oldest first."""
        query = select(events).where(events.c.status == _DEAD).order_by(events.c.ended_at, events.c.id)
        async with self._database.reading() as connection:
            return [_letter(row) for row in await connection.execute(query)]

    async def load(self, letter_id: str) -> DeadLetter:
        """Return that row, whatever became of it; NoDataError when there is none."""
        return _letter(await self._load(letter_id))

    async def decide(self, letter_id: str, *, retry: bool, person: str, now: datetime) -> bool:
        """One conditional UPDATE from dead; see the port."""
        anew: dict[str, Any] = {"status": _TAKEN, "attempts": 0, "taken_at": None, "attempt": ""}
        over: dict[str, Any] = {"status": _DONE, "body": None}
        statement = update(events).where(events.c.id == letter_id, events.c.status == _DEAD)
        values = (anew if retry else over) | {"ended_at": now, "decided_by": person, "untold": True, "tellings": 0}
        async with self._database.writing() as connection:
            return (await connection.execute(statement.values(values))).rowcount == 1

    async def untold(self) -> Sequence[DeadLetter]:
        """Return at most fifty rows whose card does not show them as they are; see the port."""
        order = (events.c.tellings, events.c.ended_at, events.c.id)
        query = select(events).where(events.c.untold).order_by(*order).limit(_PAGE)
        async with self._database.reading() as connection:
            return [_letter(row) for row in await connection.execute(query)]

    async def told(self, letter: DeadLetter) -> None:
        """Note that the card shows the row like this, unless the row has moved on since."""
        same = (events.c.id == letter.id) & (events.c.status == letter.status)
        # A second burial has the same status and another moment.
        same &= or_(events.c.status != _DEAD, events.c.ended_at == letter.ended_at)
        async with self._database.writing() as connection:
            await connection.execute(update(events).where(same).values(untold=False))

    async def _load(self, letter_id: str) -> Row[Any]:
        async with self._database.reading() as connection:
            row = (await connection.execute(select(events).where(events.c.id == letter_id))).first()
        if row is None:
            raise NoDataError(f"There is no event {letter_id}.")
        return row


def row_id(event_id: str) -> str:
    """Return the id of an event's row: its own, or a hash where that one is long or a database could not hold it."""
    plain = event_id.isascii() and event_id.isprintable() and 0 < len(event_id) <= _LONGEST_ID
    if plain and not event_id.startswith("sha256:"):
        return event_id
    return f"sha256:{hashlib.sha256(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": row_id(event.id),
        "kind": storable_words(event.kind)[:80],
        "key": event.key,
        "status": _TAKEN,
        "received_at": event.received_at,
        "ended_at": None,
        "error": "",
        "body": None,
        "decided_by": "",
        "untold": False,
    }


def _begun(database: Database, may_begin: ColumnElement[bool]) -> Executable:
    """Return the statement that counts one more attempt; made once, as to make it takes longer than to carry it out."""
    fresh = database.insert(events)
    again = {
        "attempts": events.c.attempts + 1,
        "taken_at": func.coalesce(events.c.taken_at, fresh.excluded.taken_at),
        "ended_at": None,
        "body": None,
        "attempt": fresh.excluded.attempt,
        "alone": fresh.excluded.alone,
    }
    where = (events.c.status == _TAKEN) & may_begin
    upsert = fresh.on_conflict_do_update(index_elements=[events.c.id], set_=again, where=where)
    return upsert.returning(events.c.attempts, events.c.taken_at)


def _of_attempt(event_id: str, attempt: str) -> Any:
    same = (events.c.id == row_id(event_id)) & (events.c.attempt == attempt)
    return update(events).where(same, events.c.status == _TAKEN)


def _given_up(error: str, now: datetime) -> dict[str, Any]:
    return {"status": _DEAD, "ended_at": now, "error": error, "untold": True, "tellings": 0}


def _stranded(before: datetime) -> Any:
    # What a person sent back has not begun yet, and is in no queue before somebody was told.
    since = func.coalesce(events.c.taken_at, events.c.ended_at)
    return (events.c.status == _TAKEN) & (since < before) & ~events.c.untold


def _letter(row: Row[Any]) -> DeadLetter:
    return DeadLetter.model_validate({**row._mapping, "event": row.body})
