"""Reads everything about approvals in one snapshot, a page at a time, so that an export of any size fits in memory."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Table, select, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.adapters.database.audit_check import NOT_MIGRATED, existing
from bot.adapters.database.engine import open_database
from bot.adapters.database.models import approvals, audit_events, effects, reports, votes
from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.court_record import Case, ChainedEvent
from core.effect import Effect
from core.errors import ConfigurationError
from core.evidence import Report

_PAGE = 200


class Wanted(NamedTuple):
    """Which requests: asked at `since` or later, before `until`, of one incident; None asks for all. Reports are large,
    and left out where nobody reads them."""

    since: datetime | None = None
    until: datetime | None = None
    incident_id: str | None = None
    with_reports: bool = True

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what a row of approvals has to meet."""
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(approvals.c.created_at >= self.since)
        if self.until is not None:
            found.append(approvals.c.created_at < self.until)
        if self.incident_id is not None:
            found.append(approvals.c.incident_id == self.incident_id)
        return found


async def read_cases(url: str, wanted: Wanted, page: int = _PAGE) -> AsyncIterator[Case]:
    """Yield each request with all that belongs to it, oldest first; changes nothing.

    TransientError when the database cannot be reached, ConfigurationError when it is not one of ours.
    """
    database = open_database(existing(url))
    try:
        if await database.revision() is None:
            raise ConfigurationError(NOT_MIGRATED)
        async with database.reading() as connection:
            async for case in cases_in(await one_snapshot(connection), wanted, page):
                yield case
    except DBAPIError as error:
        raise ConfigurationError(f"DATABASE_URL: the approvals cannot be read ({error.orig})") from error
    finally:
        await database.close()


async def one_snapshot(connection: AsyncConnection) -> AsyncConnection:
    """Return the connection, of which all statements from now on see the same rows; SQLite's always do."""
    if connection.dialect.name == "postgresql":
        await connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


async def cases_in(connection: AsyncConnection, wanted: Wanted, page: int = _PAGE) -> AsyncIterator[Case]:
    """Yield as `read_cases` does, over a connection that is open."""
    rows = await _page(connection, wanted, None, page)
    while rows:
        for case in await _cases(connection, rows, with_reports=wanted.with_reports):
            yield case
        rows = await _page(connection, wanted, rows[-1], page)


async def _page(connection: AsyncConnection, wanted: Wanted, after: Row[Any] | None, page: int) -> Sequence[Row[Any]]:
    query = select(approvals).where(*wanted.conditions())
    if after is not None:
        place = tuple_(approvals.c.created_at, approvals.c.id)
        query = query.where(place > tuple_(after.created_at, after.id, types=[each.type for each in place.clauses]))
    ordered = query.order_by(approvals.c.created_at, approvals.c.id).limit(page)
    return (await connection.execute(ordered)).all()


async def _cases(connection: AsyncConnection, rows: Sequence[Row[Any]], *, with_reports: bool) -> list[Case]:
    ids, cited = {row.id for row in rows}, {row.report_id for row in rows} if with_reports else set[str]()
    ballots = _by("approval_id", await _of(connection, votes, votes.c.approval_id, ids))
    done = {row.approval_id: row for row in await _of(connection, effects, effects.c.approval_id, ids)}
    told = {row.id: row for row in await _of(connection, reports, reports.c.id, cited)}
    history = _by("subject", await _of(connection, audit_events, audit_events.c.subject, ids))
    cases: list[Case] = []
    for row in rows:
        cast = [vote._mapping for vote in ballots[row.id]]
        request = ApprovalRequest.model_validate({**row._mapping, "votes": cast})
        report, effect = told.get(row.report_id), done.get(row.id)
        cases.append(
            Case(
                request,
                Report.model_validate(report.body) if report else None,
                Effect.model_validate(dict(effect._mapping)) if effect else None,
                [_chained(event) for event in history[row.id]],
            )
        )
    return cases


def _by(name: str, rows: Sequence[Row[Any]]) -> Mapping[str, list[Row[Any]]]:
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row._mapping[name]].append(row)
    return found


async def _of(
    connection: AsyncConnection, table: Table, column: ColumnElement[Any], ids: Collection[str | None]
) -> Sequence[Row[Any]]:
    order = (
        table.c.sequence if table is audit_events else table.c.at if table is votes else next(iter(table.primary_key))
    )
    query = select(table).where(column.in_([each for each in ids if each is not None])).order_by(order)
    return (await connection.execute(query)).all()


def _chained(row: Row[Any]) -> ChainedEvent:
    return ChainedEvent(row.sequence, row.previous_hash, row.hash, AuditEvent.model_validate(dict(row._mapping)))
