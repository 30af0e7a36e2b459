"""Holds every request, vote and effect against the history: a chain says nothing of the rows that it does not hold."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from sqlalchemy import exists, select
from sqlalchemy.exc import DBAPIError

from bot.adapters.database.audit_check import existing
from bot.adapters.database.court_records import Wanted, cases_in, one_snapshot
from bot.adapters.database.engine import open_database
from bot.adapters.database.models import approvals, audit_events
from core.audit_chain import Noted
from core.contradictions import ANOTHER_PLAN
from core.errors import ConfigurationError

_PAGE, _SMALL_PAGE = 200, 10
_MOST_FAULTS = 100
# What SQLAlchemy and pydantic raise of a cell that holds another type than its column's.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_GONE = (
    select(audit_events.c.subject)
    .where(audit_events.c.kind == "ApprovalRequested", ~exists().where(approvals.c.id == audit_events.c.subject))
    .order_by(audit_events.c.sequence)
)


class Compared(NamedTuple):
    """How many requests were looked at, a sentence for each contradiction, `more` that are not told, and `grave`:
    those that an update of this program cannot explain."""

    requests: int
    faults: tuple[str, ...]
    more: int
    grave: tuple[str, ...]


async def check_rows(
    url: str, since: Noted | None = None, breathe: Callable[[], Awaitable[None]] | None = None
) -> Compared:
    """Compare all of them in one snapshot, or those that were asked for after `since`; changes nothing.

    `breathe` is awaited every few milliseconds, by whoever has time. TransientError when the database cannot be
    reached, ConfigurationError when it is not one of ours.
    """
    database = open_database(existing(url))
    found: list[tuple[str, str]] = []
    count = 0
    try:
        async with database.reading() as connection:
            await one_snapshot(connection)
            lost = _GONE.where(audit_events.c.sequence > (since.head.sequence if since else 0)).limit(_MOST_FAULTS)
            gone = (await connection.execute(lost)).scalars().all()
            found += [(subject, "it is gone, where the history says that it was asked for") for subject in gone]
            wanted = Wanted(since=since.at if since else None, with_reports=False)
            async for case in cases_in(connection, wanted, _SMALL_PAGE if breathe else _PAGE):
                count += 1
                found += [(case.request.id, sentence) for sentence in case.contradictions]
                if breathe and count % _SMALL_PAGE == 0:
                    await breathe()
    except DBAPIError as error:
        raise ConfigurationError(f"DATABASE_URL: the approvals cannot be read ({error.orig})") from error
    except _UNREADABLE as error:  # somebody wrote what no column of ours may hold
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        found.append(("a row", f"it cannot be read ({why}), nor can those after it: mend it, and look again"))
    finally:
        await database.close()
    told = [f"{subject}: {sentence}" for subject, sentence in found]
    grave = [f"{subject}: {sentence}" for subject, sentence in found if sentence != ANOTHER_PLAN]
    return Compared(count, tuple(told[:_MOST_FAULTS]), len(told[_MOST_FAULTS:]), tuple(grave[:_MOST_FAULTS]))
