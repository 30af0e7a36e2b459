"""`audit verify`: is the history still as it was written; the head that it prints is there to be noted elsewhere."""

import asyncio
import sys
import time
from argparse import Namespace

from bot.adapters.database.audit_check import check_chain
from bot.addresses import shown
from bot.settings import Settings
from core.errors import ConfigurationError, TransientError

NEEDS = ("database", "files")


def run(settings: Settings, options: Namespace) -> int:
    """Print each fault in a line, then the count, the head and the seconds; 0 intact, 1 not, 2 unreadable."""
    began = time.perf_counter()
    try:
        verdict = asyncio.run(check_chain(settings.database_url, options.expect))
    except TransientError as error:
        raise ConfigurationError(f"DATABASE_URL {shown(settings.database_url)} cannot be reached ({error})") from error
    for fault in verdict.faults:
        print(f"audit: {fault}", file=sys.stderr)
    if verdict.more:
        print(f"audit: and {verdict.more} faults more", file=sys.stderr)
    state = "intact" if verdict.intact else "NOT INTACT"
    seconds = time.perf_counter() - began
    print(f"audit: {state}, {verdict.rows} rows, head {verdict.head}, {seconds:.2f} s", flush=True)
    return 0 if verdict.intact else 1
