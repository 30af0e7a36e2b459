"""Durable work: written before anything is acknowledged, delivered at least once, in order for each key."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.consumer import Consumer, Handler, Pace
from bot.adapters.redis.pressure import Pressure
from bot.adapters.redis.stream import EventStream, Lag
from bot.adapters.redis.wire import Wire
from core.errors import QueueFullError, TransientError
from core.event import Event

_PUT_WITHIN = 2.0  # Slack waits three seconds for its answer
_PAGE = 100  # events in one step: some milliseconds in which Redis does nothing else
_log = structlog.get_logger(__name__)


class RedisQueue:
    """Implements core.ports.Queue, Inbox and Retries, and consumes for a worker.

    `consumer` names this worker in the group, and no other one that lives. While it lives, what it has taken is its
    own, however long a handler takes; once nothing was heard of it for `lease`, any other worker takes that over.
    Entries of one key are handled in their order, by whichever workers. A failed handler is tried again after `pause`,
    doubled for each delivery up to `longest_pause`; meanwhile its key waits and the others go on. At most about
    `most_held` entries of a stream are held in memory, half of them for one key. Those of them that Redis forgets
    (emptied, or a replica that was behind took over) are put back.

    With a `wire`, events are written over it, which an edge has its caller wait for.

    What comes from outside is refused while `longest` entries wait in its stream, or less than the part `reserve` of
    Redis' memory is free. Our own jobs are not: what is under way has to end for there to be room again."""

    def __init__(
        self,
        redis: Redis,
        *,
        consumer: str = "worker",
        lease: timedelta = timedelta(seconds=3),
        pause: timedelta = timedelta(seconds=0.5),
        longest_pause: timedelta = timedelta(seconds=60),
        most_held: int = 1000,
        longest: int = 20_000,
        reserve: float = 0.1,
        wire: Wire | None = None,
    ) -> None:
        self._streams = {name: EventStream(redis, name, consumer, wire) for name in keys.STREAMS}
        self._pace = Pace(lease, pause, longest_pause, most_held)
        self._longest = longest
        self._pressure = Pressure(redis, reserve, wire)
        self._stopping = asyncio.Event()

    async def put(self, event: Event, signature: str = "") -> bool:
        """Write the event durably, in at most two seconds; False when its id was seen within fifteen minutes.

        `signature`, where the request had one, is remembered in the same step: a second event under it is False too.
        TransientError when it is not known to be written or there is no room; putting it again is safe."""
        return (await self._put(keys.stream_of(event.kind), [event], signature))[0]

    async def put_many(self, events: Sequence[Event]) -> list[bool]:
        """Do the same for many events, a hundred in each step; some may be written although it raises."""
        fresh: dict[int, bool] = {}
        for name in self._streams:
            rows = [(at, event) for at, event in enumerate(events) if keys.stream_of(event.kind) == name]
            for page in (rows[start : start + _PAGE] for start in range(0, len(rows), _PAGE)):
                taken = await self._put(name, [event for _, event in page])
                fresh |= {at: each for (at, _), each in zip(page, taken, strict=True)}
        return [fresh[at] for at in range(len(events))]

    async def put_again(self, event: Event, mark: str) -> bool:
        """Write an event whose id may have been seen; False when this `mark` was, within fifteen minutes."""
        return (await self._streams[keys.stream_of(event.kind)].put([event], marks=[mark]))[0]

    async def lag(self) -> Mapping[str, Lag]:
        """Return how far the workers are behind in `slack`, `actions` and `work`; TransientError when nobody knows."""
        return {name.rpartition(":")[2]: await stream.lag() for name, stream in self._streams.items()}

    async def _put(self, stream: str, events: Sequence[Event], signature: str = "") -> list[bool]:
        try:
            async with asyncio.timeout(_PUT_WITHIN):
                return await self._write(stream, events, signature)
        except QueueFullError as refusal:
            self._pressure.say(refusal)
            raise
        except TimeoutError as error:
            raise TransientError("redis: no answer in time") from error

    async def _write(self, stream: str, events: Sequence[Event], signature: str) -> list[bool]:
        ours = all(event.kind.startswith(keys.OURS) for event in events)
        if not ours:
            await self._pressure.check(len(events))
        return await self._streams[stream].put(events, signature, bound=0 if ours else self._longest)

    def stop(self) -> None:
        """Make `consume` return once the handlers that run have ended."""
        self._stopping.set()

    async def consume(self, handler: Handler, concurrency: int = 16, grace: float = 10.0) -> None:
        """Hand events to `handler` until `stop`; at most `concurrency` of each kind at once.

        Kinds do not take each other's turns, and what people do and what they approved have a stream each, so that no
        storm of other work keeps a click or an approved action waiting. An entry that holds no event comes as one of
        kind UNREADABLE. After `stop`, handlers get `grace` seconds before they are cancelled; what was not finished is
        delivered again."""
        slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrency))
        consumers = [
            Consumer(stream, handler, slots.__getitem__, self._pace, self._stopping)
            for stream in self._streams.values()
        ]
        tasks = [task for each in consumers for task in each.start()]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            await asyncio.gather(*(each.finish(grace) for each in consumers))
        finally:
            failed = await asyncio.gather(*(each.close() for each in consumers), return_exceptions=True)
            await self._sign_off()
            for error in filter(None, failed):
                raise error  # not before all have ended: a reader that goes on takes what nobody will work on

    async def _sign_off(self) -> None:
        # Once for all streams, and last: whoever reads it takes over what we had.
        try:
            await self._streams[keys.WORK].leave()
        except TransientError as error:
            _log.info("consumer_not_signed_off", error=str(error))  # it runs out by itself
