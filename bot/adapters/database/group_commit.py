"""Writes that come at the same moment share one transaction: a commit waits for the disk, and one wait does for all."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Executable, Row

from bot.adapters.database.engine import Database

_MOST = 100


class _Write(NamedTuple):
    key: str
    statement: Executable
    rows: "asyncio.Future[Sequence[Row[Any]]]"


class GroupCommit:
    """A lone write is committed at once; those that arrive meanwhile go together in the next transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Write] = []
        self._writer: asyncio.Task[None] | None = None

    async def run(self, key: str, statement: Executable) -> Sequence[Row[Any]]:
        """Execute the statement and return its rows once they are committed; `key` names the row that it writes.

        Statements of one key keep their order. TransientError as for every write."""
        rows: asyncio.Future[Sequence[Row[Any]]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(key, statement, rows))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await rows

    async def _write_all(self) -> None:
        while self._waiting:
            # In the order of keys: two processes that lock the same rows lock them in the same order.
            batch = sorted(self._waiting[:_MOST], key=lambda write: write.key)
            del self._waiting[:_MOST]
            try:
                await self._commit(batch)
            except Exception as error:  # noqa: BLE001 - each of those who wait gets it
                for write in batch:
                    if not write.rows.done():
                        write.rows.set_exception(error)

    async def _commit(self, batch: Sequence[_Write]) -> None:
        async with self._database.writing() as connection:
            found: list[Sequence[Row[Any]]] = []
            for write in batch:
                result = await connection.execute(write.statement)
                found.append(result.all() if result.returns_rows else ())
        for write, rows in zip(batch, found, strict=True):
            if not write.rows.done():
                write.rows.set_result(rows)
