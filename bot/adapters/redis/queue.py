"""Durable work: written before anything is acknowledged, delivered at least once, in order for each key."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog
from redis.asyncio import Redis

from bot.adapters.redis import keys
from bot.adapters.redis.cancelling import cancel_until_gone
from bot.adapters.redis.lanes import Lanes
from bot.adapters.redis.stream import Entry, EventStream
from core.errors import TransientError
from core.event import Event

_log = structlog.get_logger(__name__)
_PUT_WITHIN = 2.0  # Slack waits three seconds for its answer
_BLOCK = timedelta(seconds=1)
_PAGE = 100  # events in one step: some milliseconds in which Redis does nothing else

Handler = Callable[[Event], Awaitable[None]]


class RedisQueue:
    """Implements core.ports.Queue, and consumes for a worker.

    `consumer` names this worker in the group: a worker that comes back under its old name goes on with what it had at
    once, so two live workers must not share a name. Others get a dead worker's entries after `lease`; a live worker
    holds its own by renewing them, however long a handler takes. A failed handler is tried again after `pause`, doubled
    for each delivery up to `longest_pause`; meanwhile its key waits and the others go on. At most about `most_held`
    entries are taken from a stream before some are done; a key stays within one stream, so its order holds."""

    def __init__(
        self,
        redis: Redis,
        *,
        consumer: str = "worker",
        lease: timedelta = timedelta(seconds=60),
        pause: timedelta = timedelta(seconds=0.5),
        longest_pause: timedelta = timedelta(seconds=60),
        most_held: int = 1000,
    ) -> None:
        self._streams = {name: EventStream(redis, name, consumer) for name in (keys.SLACK, keys.WORK)}
        self._lease = lease
        self._pause = pause
        self._longest_pause = longest_pause
        self._most_held = most_held
        self._stopping = asyncio.Event()

    async def put(self, event: Event, signature: str = "") -> bool:
        """Write the event durably, in at most two seconds; False when its id was seen within fifteen minutes.

        `signature`, where the request had one, is remembered in the same step: a second event under it is False too.
        TransientError when it is not known to be written; putting it again is safe."""
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

    async def _put(self, stream: str, events: Sequence[Event], signature: str = "") -> list[bool]:
        try:
            async with asyncio.timeout(_PUT_WITHIN):
                return await self._streams[stream].put(events, signature)
        except TimeoutError as error:
            raise TransientError("redis: no answer in time") from error

    def stop(self) -> None:
        """Make `consume` return once the handlers that run have ended."""
        self._stopping.set()

    async def consume(self, handler: Handler, concurrency: int = 16, grace: float = 10.0) -> None:
        """Hand events to `handler` until `stop`; at most `concurrency` of each kind at once.

        Kinds do not take each other's turns and Slack has a stream to itself, so that jobs, however slow and however
        many, never keep a click waiting. After `stop`, handlers get
        `grace` seconds before they are cancelled; what was not finished is delivered again."""
        slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(concurrency))

        async def work(stream: EventStream, entry: Entry) -> None:
            await self._settle(stream, entry, handler, slots[entry.event.kind])

        both = [(stream, Lanes(partial(work, stream))) for stream in self._streams.values()]
        tasks = [asyncio.create_task(run(*each)) for each in both for run in (self._read, self._keep_up)]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            await asyncio.gather(*(lanes.close(grace) for _, lanes in both))
        finally:
            await cancel_until_gone(tasks)
            await asyncio.gather(*(lanes.close(0) for _, lanes in both))

    async def _read(self, stream: EventStream, lanes: Lanes) -> None:
        after: str | None = "0"
        ready = False
        while not self._stopping.is_set():
            await lanes.room(self._most_held)
            try:
                if not ready:
                    await stream.open()
                    ready = True
                if after is None:
                    entries = await stream.fresh(_BLOCK)
                else:
                    entries, after = await stream.mine(after)
            except TransientError as error:
                _log.warning("queue_unreachable", error=str(error))
                # An answer may have been lost on its way, and with it entries that now count as ours: ask for them.
                after, ready = "0", False
                await self._sleep(self._pause.total_seconds())
                continue
            for entry in entries:
                lanes.add(entry)

    async def _keep_up(self, stream: EventStream, lanes: Lanes) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                await stream.hold(list(lanes.held))
                for entry in await stream.abandoned(self._lease):
                    _log.info("entry_taken_over", entry=entry.id, event_id=entry.event.id)
                    lanes.add(entry)
            except TransientError as error:
                _log.warning("queue_upkeep_failed", error=str(error))

    async def _settle(self, stream: EventStream, entry: Entry, handler: Handler, slot: asyncio.Semaphore) -> None:
        tries = 0
        while True:
            async with slot:
                if self._stopping.is_set():
                    return
                handled = await self._attempt(entry, handler)
            try:
                if handled:
                    await stream.done(entry.id)
                    return
                tries = await stream.again(entry.id)
                if not tries:
                    return  # another worker has it now
            except TransientError as error:
                _log.warning("entry_not_settled", entry=entry.id, event_id=entry.event.id, error=str(error))
                if handled:
                    return  # delivered again later: handlers are safe to repeat
                tries += 1
            # The place for dead letters: `tries` counts this entry's deliveries, by whichever worker.
            await self._sleep(self._backoff(tries))

    async def _attempt(self, entry: Entry, handler: Handler) -> bool:
        event = entry.event
        try:
            await handler(event)
        except Exception as error:  # noqa: BLE001 - the job wrapper: whatever a handler raises, its event must not be lost
            _log.exception(
                "event_failed", entry=entry.id, event_id=event.id, kind=event.kind, error=type(error).__name__
            )
            return False
        return True

    def _backoff(self, tries: int) -> float:
        return min(self._pause.total_seconds() * 2 ** min(tries - 1, 20), self._longest_pause.total_seconds())

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
