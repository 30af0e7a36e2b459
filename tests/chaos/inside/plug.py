"""The plug of a worker inside the test's own process: pulled, nothing of that worker reaches the outside any more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.engine import Database


class Unplugged(BaseException):
    """What a call of a dead worker meets; no `except Exception` of the product sees it."""


@dataclass
class Plug:
    """Every call to Redis, SQL, Slack or a target passes `port`; the fuse burns at one of them.

    What kill -9 leaves behind: calls that were made stay made, nothing that comes after them happens, and clean-up
    (releases, roll-backs, farewells) reaches nobody."""

    on_death: Callable[[], None] = lambda: None
    delay: Callable[[], float] = lambda: 0.0
    pulled: bool = False
    calls: int = 0
    last: str = ""
    _fuse: int = -1
    _after: bool = False
    _at: str = ""

    def burn(self, calls: int, after: bool) -> None:
        """Die at the call number `calls` from now, before it is made or right after it was answered."""
        self._fuse, self._after = self.calls + calls, after

    def burn_at(self, name: str) -> None:
        """Die right after the next call of that name."""
        self._at = name

    def mend(self) -> None:
        """Take the fuse out."""
        self._fuse, self._at = -1, ""

    def pull(self) -> None:
        """Die now."""
        if not self.pulled:
            self.pulled = True
            self.on_death()

    @asynccontextmanager
    async def port(self, name: str) -> AsyncIterator[None]:
        """Let one call through."""
        self.calls += 1
        number = self.calls
        mine = self._burns(number, name)
        await asyncio.sleep(self.delay())  # if only for a turn: others get theirs between any two calls
        if mine and not self._after and not self._at:
            self._die(name)
        self._check()
        yield
        if mine and self._burns(number, name):  # unless it was mended while this call waited for its answer
            self._die(name)
        self._check()

    def _burns(self, number: int, name: str) -> bool:
        return number == self._fuse or name == self._at

    def _die(self, name: str) -> None:
        self.last = f"{'after' if self._after else 'before'} {name}"
        self.pull()

    def _check(self) -> None:
        if self.pulled:
            raise Unplugged(self.last)


class PluggedRedis(Redis):
    """A client of one worker."""

    plug: Plug

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Pass the plug, then ask."""
        async with self.plug.port(f"redis {args[0]}"):
            return await super().execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """Return a pipeline whose execution passes the plug."""
        pipe = PluggedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipe.plug = self.plug
        return pipe


class PluggedPipeline(Pipeline):
    """Several commands that go out at once."""

    plug: Plug

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Pass the plug, then send."""
        async with self.plug.port("redis pipeline"):
            return await super().execute(raise_on_error)


@dataclass(frozen=True)
class PluggedDatabase(Database):
    """The database as one worker reaches it: a transaction is one call, and it is made when it is committed."""

    plug: Plug = field(default_factory=Plug)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Pass the plug, then read."""
        async with self.plug.port("sql read"), Database.reading(self) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Pass the plug, then write."""
        async with self.plug.port("sql write"), Database.writing(self) as connection:
            yield connection


async def bury(tasks: "set[asyncio.Task[Any]]") -> None:
    """Cancel what is left of a dead worker until it is gone; what it raises is nobody's business any more.

    Asking again soon would break off its own waiting for readers that did not hear the first time, and such a reader
    takes entries from whoever has its name next."""
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=5)
