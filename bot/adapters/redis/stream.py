"""A stream of events as one consumer of the group sees it; each method is one round trip."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.adapters.redis import keys
from bot.adapters.redis.connection import outages
from core.event import Event

_log = structlog.get_logger(__name__)
_PAGE = 100

# KEYS: the stream, a mark for each event, and at times one for the signature they came under.
# An event's mark comes after it: if the write is refused (memory full), nothing pretends that it happened.
_PUT = """
local count, taken = #ARGV - 1, {}
local signature = KEYS[count + 2]
local replayed = signature and redis.call('EXISTS', signature) == 1
for i = 1, count do
  taken[i] = 0
  if not replayed and redis.call('EXISTS', KEYS[i + 1]) == 0 then
    redis.call('XADD', KEYS[1], '*', 'event', ARGV[i + 1])
    redis.call('SET', KEYS[i + 1], '1', 'EX', ARGV[1])
    taken[i] = 1
  end
end
if signature then redis.call('SET', signature, '1', 'NX', 'EX', ARGV[1]) end
return taken
"""
# An entry that another worker has taken over meanwhile stays with it.
_HOLD = """
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) == 1 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
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
"""


class Entry(NamedTuple):
    """An event with its place in the stream; ids grow in stream order."""

    id: str
    event: Event


@dataclass(frozen=True, slots=True)
class EventStream:
    """Every method raises TransientError when Redis cannot be reached or refuses."""

    redis: Redis
    name: str
    consumer: str

    async def put(self, events: Sequence[Event], signature: str = "") -> list[bool]:
        """Append what is new and mark it, with the signature it came under, in one atomic step.

        False for an event that was marked already, and for every event when the signature was."""
        marks = [keys.seen(event.id) for event in events] + ([keys.signature(signature)] if signature else [])
        # Not model_dump_json: payloads may hold lone surrogates, which only the standard library writes (escaped).
        bodies = [json.dumps(event.model_dump(mode="json"), separators=(",", ":")) for event in events]
        with outages():
            taken: Any = await self.redis.eval(
                _PUT, 1 + len(marks), self.name, *marks, int(keys.SEEN_FOR.total_seconds()), *bodies
            )
        return [bool(each) for each in taken]

    async def open(self) -> None:
        """Make the stream and its group where they are missing; the group begins with the oldest entry."""
        with outages():
            try:
                await self.redis.xgroup_create(self.name, keys.WORKERS, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def fresh(self, wait: timedelta) -> list[Entry]:
        """Return entries that nobody has had yet; waits until there is one, or so long."""
        block = max(1, int(wait.total_seconds() * 1000))
        return _entries(await self._read(">", block))

    async def mine(self, after: str) -> tuple[list[Entry], str | None]:
        """Return a page of what this consumer had and did not finish, and where the next one begins (None: no more)."""
        rows = await self._read(after, None)
        return _entries(rows), _text(rows[-1][0]) if rows else None

    async def abandoned(self, idle: timedelta) -> list[Entry]:
        """Take over entries that their consumer has neither finished nor held for so long."""
        with outages():
            answer: Any = await self.redis.xautoclaim(
                self.name, keys.WORKERS, self.consumer, int(idle.total_seconds() * 1000), "0-0", count=_PAGE
            )
        return _entries(answer[1])

    async def hold(self, ids: Sequence[str]) -> None:
        """Say that these entries are still being worked on, so that nobody takes them over."""
        if ids:
            with outages():
                await self.redis.eval(_HOLD, 1, self.name, keys.WORKERS, self.consumer, *ids)

    async def again(self, entry_id: str) -> int:
        """Count one more delivery of an entry to this consumer; returns how many there have been, 0 if it has left."""
        with outages():
            deliveries = await self.redis.eval(_AGAIN, 1, self.name, keys.WORKERS, self.consumer, entry_id)
        return int(deliveries)

    async def done(self, entry_id: str) -> None:
        """Strike the entry off: nobody gets it again."""
        with outages():
            await self.redis.eval(_DONE, 1, self.name, keys.WORKERS, entry_id)

    async def _read(self, after: str, block: int | None) -> list[Any]:
        with outages():
            answer: Any = await self.redis.xreadgroup(
                keys.WORKERS, self.consumer, {self.name: after}, count=_PAGE, block=block
            )
        # RESP2 answers with a list of streams, RESP3 with a mapping of them.
        streams = list(answer.values()) if isinstance(answer, dict) else [rows for _, rows in answer or ()]
        rows: list[Any] = streams[0] if streams else []
        return rows[0] if len(rows) == 1 and rows and isinstance(rows[0], list) else rows


def _entries(rows: Sequence[Any]) -> list[Entry]:
    found: list[Entry] = []
    for entry_id, fields in rows:
        if not fields:
            continue  # deleted from the stream by hand while it was pending
        try:
            found.append(Entry(_text(entry_id), Event.model_validate(json.loads(fields[b"event"]))))
        except (KeyError, ValueError, ValidationError) as error:
            # It stays pending and is seen again after each lease; a place for dead letters.
            _log.error("event_unreadable", entry=_text(entry_id), error=str(error))
    return found


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
