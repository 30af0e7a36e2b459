"""`migrate`: bring the SQL schema up to date."""

import asyncio
from argparse import Namespace

from bot.adapters.database.migrate import migrate
from bot.addresses import shown
from bot.settings import Settings
from core.errors import ConfigurationError, TransientError

NEEDS = ("database", "files")


def run(settings: Settings, _: Namespace) -> int:
    """Apply what is outstanding and print the revision reached."""
    try:
        print(f"sql: at revision {asyncio.run(migrate(settings.database_url))}", flush=True)
    except TransientError as error:
        raise ConfigurationError(f"DATABASE_URL {shown(settings.database_url)} cannot be reached ({error})") from error
    return 0
