"""A stream of events as one consumer of the group sees it; each method is one round trip."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import structlog
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, OutOfMemoryError, ResponseError

from bot.adapters.redis import keys
from bot.adapters.redis.cancelling import answer_within
from bot.adapters.redis.connection import outages
from bot.adapters.redis.wire import Wire
from core.errors import QueueFullError
from core.event import UNREADABLE, Event

_log = structlog.get_logger(__name__)
_PAGE = 100
_MANY = 10_000
_LONGEST_ANSWER = 10.0  # seconds
_LONGEST_FIELD = 100_000
_SPANS = [int(span.total_seconds()) for span in (keys.SEEN_FOR, keys.LANE_FOR)]

# KEYS: the stream, a mark for each event, a lane for each event, and at times a mark for the signature they came under.
# An event's mark comes after it: if the write is refused (memory full), nothing pretends that it happened.
_PUT = """
local count, taken = #ARGV - 3, {}
local signature = KEYS[2 * count + 2]
local replayed = signature and redis.call('EXISTS', signature) == 1
local bound = tonumber(ARGV[3])
local full = bound > 0 and redis.call('XLEN', KEYS[1]) >= bound
for i = 1, count do
  taken[i] = 0
  if not replayed and redis.call('EXISTS', KEYS[i + 1]) == 0 then
    if full then return redis.error_reply('QUEUEFULL ' .. ARGV[3] .. ' entries wait') end
    local entry = redis.call('XADD', KEYS[1], '*', 'event', ARGV[i + 3])
    redis.call('RPUSH', KEYS[count + i + 1], entry)
    redis.call('EXPIRE', KEYS[count + i + 1], ARGV[2])
    redis.call('SET', KEYS[i + 1], '1', 'EX', ARGV[1])
    taken[i] = 1
  end
end
if signature then redis.call('SET', signature, '1', 'NX', 'EX', ARGV[1]) end
return taken
"""
# Entries that left the stream without us (by hand, or by a worker that has none of this) hold nobody up.
_TURN = """
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return '' end
local first = redis.call('LINDEX', KEYS[2], 0)
while first and first ~= ARGV[3] and #redis.call('XRANGE', KEYS[1], first, first) == 0 do
  redis.call('LPOP', KEYS[2])
  first = redis.call('LINDEX', KEYS[2], 0)
end
return first or ARGV[3]
"""
# An entry that is nobody's and not there was seen through by another worker, which forgets its place in the lane, or it
# was lost with the server's memory: then its place or its mark tells. Where both have run out it is written again, as
# its row in SQL knows better.
_RESTORE = """
local count, restored = (#KEYS - 1) / 2, 0
for i = 1, count do
  local id, mark, lane = ARGV[2 * i + 2], KEYS[i + 1], KEYS[count + i + 1]
  local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], id, id, 1)
  local here = not held.err and #held > 0 or #redis.call('XRANGE', KEYS[1], id, id) > 0
  if not here and (redis.call('EXISTS', mark) == 0 or redis.call('LPOS', lane, id)) then
    local entry = redis.call('XADD', KEYS[1], '*', 'event', ARGV[2 * i + 3])
    redis.call('LREM', lane, 1, id)
    redis.call('RPUSH', lane, entry)
    redis.call('EXPIRE', lane, ARGV[3])
    redis.call('SET', mark, '1', 'EX', ARGV[2])
    restored = restored + 1
  end
end
return restored
"""
# A SET alone would be refused while memory is short, and the living taken for dead.
_STAY = "if redis.call('PEXPIRE', KEYS[1], ARGV[1]) == 0 then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end"
# A consumer is dead when nothing says that it lives. One that has nothing left is struck off the group; should it live
# after all, its next read brings it back. How many we have is told as well.
_INHERIT = """
local entries, ours = {}, 0
for _, one in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local name, held = one[2], one[4]
  if name ~= ARGV[2] and redis.call('EXISTS', ARGV[3] .. name) == 0 then
    if held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], name) end
    for _, row in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', ARGV[4], name)) do
      for _, entry in ipairs(redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, row[1])) do
        entries[#entries + 1] = entry
      end
    end
  elseif name == ARGV[2] then
    ours = held
  end
end
return {entries, ours + #entries}
"""
_AGAIN = """
local found = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])
if #found == 0 then return 0 end
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3])
return found[1][4] + 1
"""
_DONE = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('LREM', KEYS[2], 1, ARGV[2])
"""
_LAG = """
local first, held = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1), redis.pcall('XPENDING', KEYS[1], ARGV[1])
local now = redis.call('TIME')
local number = held.err and 0 or held[1]
return {redis.call('XLEN', KEYS[1]), number, first[1] and first[1][1] or '', now[1], now[2]}
"""

_as_json = json.JSONEncoder(separators=(",", ":"), default=datetime.isoformat).encode
_DIGESTS = {script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (_PUT,)}


class Entry(NamedTuple):
    """An event with its place in the stream."""

    id: str
    event: Event

    @property
    def position(self) -> tuple[int, int]:
        """Grows in stream order."""
        return position(self.id)


class Lag(NamedTuple):
    """How far the workers are behind: entries that nobody has taken, entries taken and not finished, and how many
    seconds ago the oldest of both came."""

    waiting: int
    pending: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class EventStream:
    """Every method raises TransientError when Redis cannot be reached or refuses."""

    redis: Redis
    name: str
    consumer: str
    wire: Wire | None = None

    async def put(
        self, events: Sequence[Event], signature: str = "", *, marks: Sequence[str] = (), bound: int = 0
    ) -> list[bool]:
        """Append what is new and mark it, with the signature it came under, in one atomic step.

        False for an event that was marked already, and for every event when the signature was. `marks` stand for the
        events' ids. QueueFullError instead of a first new entry while there are `bound` entries (0: no bound)."""
        seen = [keys.seen(mark) for mark in marks or [event.id for event in events]]
        lanes = [keys.lane(self.name, event.key) for event in events]
        extra = [keys.signature(signature)] if signature else []
        bodies = [_written(event) for event in events]
        with outages():
            try:
                taken: Any = await self._run(
                    _PUT, 1 + 2 * len(events) + len(extra), self.name, *seen, *lanes, *extra, *_SPANS, bound, *bodies
                )
            except OutOfMemoryError as error:
                raise QueueFullError("redis: its memory is full") from error
            except ResponseError as error:
                if str(error).startswith("QUEUEFULL"):
                    raise QueueFullError(f"{self.name}: {bound} entries wait") from error
                raise
        return [bool(each) for each in taken]

    async def open(self) -> None:
        """Make the stream and its group where they are missing; the group begins with the oldest entry."""
        with outages():
            try:
                await self.redis.xgroup_create(self.name, keys.WORKERS, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def load(self, entry_id: str) -> Entry | None:
        """Return an entry without taking it, or None when it is not there any more."""
        with outages():
            rows: Any = await self.redis.xrange(self.name, entry_id, entry_id)
        return next(iter(self._entries(rows)), None)

    async def restore(self, entries: Sequence[Entry]) -> int:
        """Write those again that the server has forgotten; returns how many. Doing it twice does it once."""
        restored = 0
        with outages():
            for page in (entries[start : start + _PAGE] for start in range(0, len(entries), _PAGE)):
                seen = [keys.seen(entry.event.id) for entry in page]
                lanes = [keys.lane(self.name, entry.event.key) for entry in page]
                words = [word for entry in page for word in (entry.id, _written(entry.event))]
                restored += await self.redis.eval(
                    _RESTORE, 1 + 2 * len(page), self.name, *seen, *lanes, keys.WORKERS, *_SPANS, *words
                )
        return restored

    async def fresh(self, wait: timedelta) -> list[Entry]:
        """Return entries that nobody has had yet; waits until there is one, or so long."""
        block = max(1, int(wait.total_seconds() * 1000))
        return self._entries(await self._read(">", block))

    async def mine(self, after: str) -> tuple[list[Entry], str | None]:
        """Return a page of what this consumer had and did not finish, and where the next one begins (None: no more)."""
        rows = await self._read(after, None)
        return self._entries(rows), _text(rows[-1][0]) if rows else None

    async def idle(self, span: timedelta) -> list[str]:
        """Return the ids of what this consumer has had for so long, oldest first, ten thousand at most."""
        with outages():
            rows: Any = await self.redis.xpending_range(
                self.name, keys.WORKERS, "-", "+", _MANY, self.consumer, idle=int(span.total_seconds() * 1000)
            )
        return [_text(row["message_id"]) for row in rows]

    async def stay(self, lease: timedelta) -> None:
        """Say that this consumer lives, for so long: what it has stays its own."""
        with outages():
            await self.redis.eval(_STAY, 1, keys.consumer(self.consumer), max(1, int(lease.total_seconds() * 1000)))

    async def leave(self) -> None:
        """Say that this consumer is gone, so that others take what it has at once."""
        with outages():
            await self.redis.delete(keys.consumer(self.consumer))

    async def inherit(self) -> tuple[list[Entry], int]:
        """Take over what dead consumers had, at most a hundred entries of each; returns it, and how many entries this
        consumer has with them, by the server's count."""
        with outages():
            rows, ours = await self.redis.eval(
                _INHERIT, 1, self.name, keys.WORKERS, self.consumer, keys.CONSUMERS, _PAGE
            )
        flat = [(entry_id, dict(zip(words[::2], words[1::2], strict=True))) for entry_id, words in rows]
        return self._entries(flat), int(ours)

    async def turn(self, entry: Entry) -> str | None:
        """Return the id of the entry whose turn it is in this one's key, or None when this one is not ours any more.

        One that comes after this one has not been told of it, and does not count."""
        lane = keys.lane(self.name, entry.event.key)
        with outages():
            found = await self.redis.eval(_TURN, 2, self.name, lane, keys.WORKERS, self.consumer, entry.id)
        first = _text(found)
        if not first:
            return None
        return first if position(first) < entry.position else entry.id

    async def again(self, entry_id: str) -> int:
        """Count one more delivery of an entry to this consumer; returns how many there have been, 0 if it has left."""
        with outages():
            deliveries = await self.redis.eval(_AGAIN, 1, self.name, keys.WORKERS, self.consumer, entry_id)
        return int(deliveries)

    async def done(self, entry: Entry) -> None:
        """Strike the entry off: nobody gets it again."""
        lane = keys.lane(self.name, entry.event.key)
        with outages():
            await self.redis.eval(_DONE, 2, self.name, lane, keys.WORKERS, entry.id)

    async def lag(self) -> Lag:
        """Return how far the workers are behind."""
        with outages():
            length, held, first, seconds, micros = await self.redis.eval(_LAG, 1, self.name, keys.WORKERS)
        age = int(seconds) + int(micros) / 1e6 - position(_text(first))[0] / 1000 if first else 0.0
        return Lag(max(0, int(length) - int(held)), int(held), max(0.0, age))

    async def _run(self, script: str, *given: Any) -> Any:
        """Name the script by its digest, and send all of it only where the server does not know it."""
        try:
            return await self._ask("EVALSHA", _DIGESTS[script], *given)
        except NoScriptError:
            return await self._ask("EVAL", script, *given)

    async def _ask(self, *words: Any) -> Any:
        if self.wire:
            return await self.wire.ask(*words)
        # In a task of its own, as the client may not hear that its caller gives up.
        return await answer_within(_LONGEST_ANSWER, self.redis.execute_command(*words))

    async def _read(self, after: str, block: int | None) -> list[Any]:
        with outages():
            answer: Any = await self.redis.xreadgroup(
                keys.WORKERS, self.consumer, {self.name: after}, count=_PAGE, block=block
            )
        # RESP2 answers with a list of streams, RESP3 with a mapping of them.
        streams = list(answer.values()) if isinstance(answer, dict) else [rows for _, rows in answer or ()]
        rows: list[Any] = streams[0] if streams else []
        return rows[0] if len(rows) == 1 and rows and isinstance(rows[0], list) else rows

    def _entries(self, rows: Sequence[Any]) -> list[Entry]:
        # Without fields: deleted from the stream by hand while it was pending.
        return [self._entry(_text(entry_id), fields) for entry_id, fields in rows if fields]

    def _entry(self, entry_id: str, fields: dict[bytes, bytes]) -> Entry:
        try:
            return Entry(entry_id, Event.model_validate(json.loads(fields[b"event"])))
        except (KeyError, ValueError, ValidationError) as error:
            _log.error("event_unreadable", entry=entry_id, error=type(error).__name__)
            raw = {_shown(name): _shown(value) for name, value in fields.items()}
            came = datetime.fromtimestamp(position(entry_id)[0] / 1000, UTC)
            name = f"{UNREADABLE}:{self.name}:{entry_id}"
            return Entry(
                entry_id, Event(id=name, kind=UNREADABLE, key=name, body={"fields": dict(raw)}, received_at=came)
            )


def position(entry_id: str) -> tuple[int, int]:
    """Return an entry's id as numbers that compare as Redis does."""
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _written(event: Event) -> str | bytes:
    try:
        return orjson.dumps(vars(event))
    except TypeError:  # lone surrogates (escaped) and whole numbers of any length, which only this one writes
        return _as_json(vars(event))


def _shown(value: bytes) -> str:
    return value[:_LONGEST_FIELD].decode("utf-8", "backslashreplace")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
