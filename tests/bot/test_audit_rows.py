"""`audit verify` names each row that no longer says what the history says, though the chain itself is whole."""

import asyncio

import pytest
from sqlalchemy import text

from bot.__main__ import main
from bot.adapters.database.engine import open_database
from bot.adapters.database.row_check import Compared
from bot.commands import audit_verify
from tests.bot.test_audit_export import bench, populate  # noqa: F401 - a fixture
from tests.fakes.databases import *

CHANGES = {
    "UPDATE votes SET choice = 'reject'": "the vote of U0BOB is reject, where the history says approve",
    "UPDATE votes SET reason = 'sure'": "the vote of U0BOB is approve (sure), where the history says approve",
    "UPDATE votes SET person = 'U0MALLORY'": "the vote of U0MALLORY is approve, where the history says none",
    "DELETE FROM votes": "the vote of U0BOB is none, where the history says approve",
    "UPDATE effects SET text = 'nothing happened'": "the effect's output is not the one that was written down",
    "UPDATE effects SET data = '{\"pods\":0}'": "the effect's output is not the one that was written down",
    "UPDATE effects SET status = 'failed'": "its effect is failed, where the history says done",
    "UPDATE effects SET args = '{}'": "the effect is not the one that was begun",
    "DELETE FROM effects": "its effect is gone, where the history says done",
    "UPDATE approvals SET digest = 'beef'": "do not give the request's digest",
    "UPDATE approvals SET plan = replace(plan, 'checkout', 'payments')": "do not give the request's digest",
    "UPDATE approvals SET status = 'rejected'": "it is rejected, where the history leaves it approved",
    "UPDATE approvals SET status = 'no such'": "a row: it cannot be read",
    "UPDATE approvals SET finished_at = 5": "a row: it cannot be read",
    "UPDATE votes SET at = 7": "a row: it cannot be read",
    "UPDATE approvals SET id = 'apr_other'": "apr_0000: it is gone, where the history says that it was asked for",
}


def verify() -> int:
    return main(["--env-file", "/nowhere", "audit", "verify"])


async def behind_the_triggers(url: str, change: str) -> None:
    """Do it as somebody who owns the database."""
    database = open_database(url)
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql("ROLLBACK")
        await connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
        guards = await connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for name in guards.scalars().all():
            await connection.execute(text(f"DROP TRIGGER {name}"))
        assert (await connection.exec_driver_sql(change)).rowcount == 1
        await connection.commit()
    await database.close()


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_that_was_edited_is_named(
    bench: str,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    change: str,
) -> None:
    asyncio.run(populate(bench))
    assert verify() == 0
    assert "audit: intact, 5 rows, 1 requests, " in capsys.readouterr().out
    asyncio.run(behind_the_triggers(bench, change))
    assert verify() == 1
    told = capsys.readouterr()
    assert CHANGES[change] in told.err
    assert "audit: NOT INTACT" in told.out


def test_a_verify_that_reads_the_chain_alone_finds_it_intact(
    bench: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(populate(bench))
    for change in list(CHANGES)[:3]:
        asyncio.run(behind_the_triggers(bench, change))

    async def blind(url: str) -> Compared:
        return Compared(0, (), 0, ())

    assert verify() == 1
    monkeypatch.setattr(audit_verify, "check_rows", blind)
    assert verify() == 0
