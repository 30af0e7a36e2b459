"""Writes that come at the same moment share one transaction: a commit waits for the disk, and one wait does for all."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Executable, Row

from bot.adapters.database.engine import Database
from core.errors import TransientError

_MOST = 100
_PATIENCE = 30.0  # seconds, beyond those that a connection, a lock and a statement may take by themselves


class _Write(NamedTuple):
    key: str
    statement: Executable
    values: Mapping[str, Any] | None
    rows: "asyncio.Future[Sequence[Row[Any]]]"


class GroupCommit:
    """A lone write is committed at once; those that arrive meanwhile go together in the next transaction.

    An outage is told to all of a transaction. One that a write spoils is made again write by write, so that nobody
    fails for what another has written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Write] = []
        self._writer: asyncio.Task[None] | None = None

    async def run(self, key: str, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Execute the statement with these values and return its rows once they are committed; `key` names the row that
        it writes.

        Statements of one key keep their order. TransientError as for every write."""
        rows: asyncio.Future[Sequence[Row[Any]]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(key, statement, values, rows))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await rows

    async def _write_all(self) -> None:
        while self._waiting:
            # In the order of keys: two processes that lock the same rows lock them in the same order.
            batch = sorted(self._waiting[:_MOST], key=lambda write: write.key)
            del self._waiting[:_MOST]
            await self._settle(batch)

    async def _settle(self, batch: Sequence[_Write]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._commit(batch)
        except (TransientError, TimeoutError) as error:
            _refuse(batch, error if isinstance(error, TransientError) else TransientError("database: no answer"))
        except Exception as error:  # noqa: BLE001 - whoever is to blame gets it
            if len(batch) == 1:
                _refuse(batch, error)
            for write in batch if len(batch) > 1 else ():
                await self._settle([write])
        except BaseException:  # whoever ends the writer must not leave those waiting who wrote
            _refuse(batch, TransientError("database: the write was broken off"))
            raise

    async def _commit(self, batch: Sequence[_Write]) -> None:
        async with self._database.writing() as connection:
            found: list[Sequence[Row[Any]]] = []
            for write in batch:
                result = await connection.execute(write.statement, write.values)
                found.append(result.all() if result.returns_rows else ())
        for write, rows in zip(batch, found, strict=True):
            if not write.rows.done():
                write.rows.set_result(rows)


def _refuse(batch: Sequence[_Write], error: Exception) -> None:
    for write in batch:
        if not write.rows.done():
            write.rows.set_exception(error)
