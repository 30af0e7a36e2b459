"""`audit export`: one record for each approval, for auditors, as JSON Lines or CSV."""

import asyncio
import csv
import os
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bot.adapters.database.court_records import Wanted, read_cases
from bot.addresses import shown
from bot.settings import Settings
from core.court_record import COLUMNS, Case, as_cells, as_line, record_of
from core.errors import ConfigurationError, TransientError


def run(settings: Settings, options: Namespace) -> int:
    """Write the records as they are read, and their number to stderr; 1 for an incident that has none, 2 when they
    cannot be read or written."""
    wanted = Wanted(options.since, options.until, options.incident)
    try:
        with _sink(options.out) as file:
            count = asyncio.run(_write(file, options.format, read_cases(settings.database_url, wanted)))
    except BrokenPipeError:  # whoever read along has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except TransientError as error:
        raise ConfigurationError(f"DATABASE_URL {shown(settings.database_url)} cannot be reached ({error})") from error
    except OSError as error:
        raise ConfigurationError(f"--out {options.out} cannot be written ({error.strerror})") from error
    print(f"audit: {count} approvals exported", file=sys.stderr, flush=True)
    if options.incident and not count:
        lists = "`audit export` without --incident names them all, and so does /ops incidents for the open ones"
        print(f"audit: no approval belongs to incident {options.incident}; {lists}", file=sys.stderr, flush=True)
        return 1
    return 0


async def _write(file: TextIO, form: str, cases: AsyncIterator[Case]) -> int:
    count = 0
    table = csv.writer(file, lineterminator="\r\n")
    if form == "csv":
        table.writerow(COLUMNS)
    async for case in cases:
        record = record_of(case)
        if form == "csv":
            table.writerow(as_cells(record))
        else:
            file.write(f"{as_line(record)}\n")
        count += 1
    file.flush()
    return count


@contextmanager
def _sink(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    # Never over what is there, which may be evidence; for nobody else's eyes.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8", newline="") as file:
        yield file
