"""The short way to Redis for what an acknowledgement waits for: the client's own takes five times as long to say it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import NoScriptError, OutOfMemoryError, ResponseError

from bot.adapters.redis.cancelling import answer_within

_OPEN_WITHIN = 2.0
_MOVED = "READONLY"
# Its stub knows commands of one word only.
_packed: Final = cast(Callable[[tuple[str | bytes | int, ...]], bytes], hiredis.pack_command)
_KNOWN = {"NOSCRIPT": NoScriptError, "OOM": OutOfMemoryError}


class Wire:
    """One connection for any number of commands at once, opened when it is first needed and whenever it was lost.

    redis-py opens it, so that addresses, passwords and TLS are its own. Nothing is said twice: a command that was under
    way when the connection was lost, or whose caller gave up, raises, and with it all that wait behind."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._opening = asyncio.Lock()
        self._line: _Line | None = None

    async def ask(self, *words: str | bytes | int) -> Any:
        """Return the answer to a command; RedisError, OSError or TimeoutError when there is none."""
        line = self._line
        if line is None or line.lost:
            line = await self._open()
        return await line.ask(words)

    async def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            await self._line.hang_up()

    async def _open(self) -> "_Line":
        async with self._opening:
            if self._line is None or self._line.lost:
                await self.close()
                connection = cast(AbstractConnection, self._redis.connection_pool.make_connection())
                await answer_within(_OPEN_WITHIN, connection.connect())
                self._line = _Line(connection)
            return self._line


class _Line(asyncio.Protocol):
    """Takes an opened connection's transport over; answers come in the order of the commands."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self.lost = False
        writer = connection._writer  # redis-py has no public name for it
        assert writer is not None
        self._transport = writer.transport
        self._transport.set_protocol(self)

    async def ask(self, words: tuple[str | bytes | int, ...]) -> Any:
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._transport.write(_packed(words))
        try:
            found = await answer
        except asyncio.CancelledError:
            # Whoever gives up has waited for long: the next one must not stand in line behind the same silence.
            self._transport.abort()
            self._end()
            raise
        if isinstance(found, hiredis.ReplyError):
            code = str(found).split(" ", 1)[0]
            if code == _MOVED:  # another server is the primary now: who asks next has to look for it
                self._transport.abort()
                self._end()
            raise _KNOWN.get(code, ResponseError)(str(found))
        return found

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (found := self._reader.gets()) is not False:
            if isinstance(found, hiredis.PushNotification):
                continue
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(found)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    async def hang_up(self) -> None:
        self._end()
        self._transport.abort()
        await self._connection.disconnect(nowait=True)

    def _end(self) -> None:
        self.lost = True
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(LostError("connection lost"))
