"""Brings a schema up to date from inside the program, so that an operator runs one command and not two.

Alembic is loaded only where there is something to do: over a migrated schema a worker stays 6 MB smaller."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from bot.adapters.database.engine import Database, open_database

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).with_name("migrations")
_LOCK = 0x77617463  # any constant will do, as long as every process of ours takes the same


async def migrate(url: str) -> str:
    """Apply every outstanding migration in one transaction and return the revision reached; safe to run at once in two
    processes. TransientError when the database cannot be reached."""
    database = open_database(url)
    try:
        if await database.revision() == newest_revision():
            return newest_revision()
        async with database.writing() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade)
        return await _reached(database)
    finally:
        await database.close()


def newest_revision() -> str:
    """Return the revision that this version of the program works with, from the name of the last script."""
    return max(script.name for script in (_SCRIPTS / "versions").glob("[0-9]*.py")).partition("_")[0]


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


async def _reached(database: Database) -> str:
    revision = await database.revision()
    assert revision is not None, "an upgrade to head leaves a revision"
    return revision
