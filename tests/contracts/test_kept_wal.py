"""SQLite's locks are the process's: whoever opens and closes the file beside it drops them all, and the next command
from outside takes the write-ahead log away from under a running bot."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.adapters.database import audit_check
from bot.adapters.database.engine import open_database
from core.errors import ConfigurationError

_COMMAND = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    print(connection.execute("SELECT count(*) FROM things").fetchone()[0])
connection.close()
"""


def counted_outside(file: Path) -> int:
    """Return how many rows a command of its own process finds; it closes the file as the last one that knows of it."""
    done = subprocess.run([sys.executable, "-c", _COMMAND, str(file)], capture_output=True, text=True, check=True)
    return int(done.stdout)


async def rows_seen_beside_a_bot_that_looked_at_the_file(file: Path) -> list[int]:
    """Write three rows while commands come and go, and return what each command found after each."""
    database = open_database(f"sqlite:///{file}")
    async with database.writing() as connection:
        await connection.execute(text("CREATE TABLE things (id INTEGER PRIMARY KEY)"))
    audit_check.existing(f"sqlite:///{file}")
    found: list[int] = []
    for number in range(3):
        async with database.writing() as connection:
            await connection.execute(text("INSERT INTO things (id) VALUES (:id)"), {"id": number})
        found.append(counted_outside(file))
    await database.close()
    return found


async def test_a_command_beside_a_running_bot_sees_all_and_takes_nothing_away(tmp_path: Path) -> None:
    assert await rows_seen_beside_a_bot_that_looked_at_the_file(tmp_path / "x.db") == [1, 2, 3]
    assert counted_outside(tmp_path / "x.db") == 3


async def test_twin_a_look_into_the_file_itself_costs_what_is_written_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    existing = audit_check.existing

    def looking(url: str) -> str:
        (tmp_path / "x.db").open("rb").close()
        return existing(url)

    monkeypatch.setattr(audit_check, "existing", looking)
    assert await rows_seen_beside_a_bot_that_looked_at_the_file(tmp_path / "x.db") != [1, 2, 3]


async def test_a_file_that_holds_something_else_is_named_as_such(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    file.write_bytes(b"not a database at all, but long enough to have a header of a hundred bytes" * 4)
    with pytest.raises(ConfigurationError, match="no SQLite database"):
        await audit_check.check_chain(f"sqlite:///{file}")
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(ConfigurationError, match="no SQLite database"):
        await audit_check.check_chain(f"sqlite:///{tmp_path / 'folder.db'}")
