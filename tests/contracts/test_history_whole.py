"""At its start the bot looks at all of its history: what was changed long before the last signed head makes it red."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.audit_key import KeyRing
from bot.adapters.database.audit_check import check_since
from bot.adapters.database.engine import open_database
from bot.history_watch import HISTORY, HistoryWatch
from bot.history_whole import WHOLE, WholeHistory
from bot.self_check import SelfCheck
from core.audit_chain import Head
from core.errors import TransientError
from tests.bot.test_audit_export import populate
from tests.bot.test_audit_rows import behind_the_triggers as edit_row
from tests.contracts.test_audit_heads import DEEDS, KEPT, Court, forge
from tests.fakes.clock import FakeClock


async def opened(url: str, folder: Path) -> tuple[Court, SelfCheck, WholeHistory]:
    """Return a signed history of ten rows and a bot's self-check at its start, half a minute of which is over."""
    court = Court(url, folder)
    await court.populate()
    whole = WholeHistory(url, court.heads, KeyRing.of(court.key.public))
    return court, SelfCheck({WHOLE: whole.probe}, FakeClock()), whole


@pytest.mark.parametrize("deed", sorted(KEPT))
async def test_what_the_watch_does_not_see_the_start_does(any_database_url: str, tmp_path: Path, deed: str) -> None:
    court, check, whole = await opened(any_database_url, tmp_path)
    await asyncio.to_thread(forge, court, deed)
    database = open_database(court.url)
    watch = HistoryWatch(court.heads, KeyRing.of(court.key.public), lambda noted: check_since(database, noted))
    assert await SelfCheck({HISTORY: watch.probe}, FakeClock()).unfit() == "", "the watch looks at the end alone"
    await database.close()
    assert await check.unfit() == ""
    await whole.verify(check.look)
    if deed == "swap":  # of rows before the first signed head: what was there when signing began is not looked at
        assert check.told() == ""
    else:
        assert DEEDS[deed] in check.told()


async def test_an_edited_vote_makes_it_red_too(database_url: str, tmp_path: Path) -> None:
    court, check, whole = await opened(database_url, tmp_path)
    await populate(database_url)
    await whole.verify(check.look)
    assert await check.unfit() == ""
    await edit_row(database_url, "UPDATE votes SET choice = 'reject'")
    await whole.verify(check.look)
    assert "the vote of U0BOB is reject, where the history says approve" in check.told()
    assert court.signed


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE approvals SET finished_at = 5",
        "UPDATE approvals SET reason = CAST(X'FF' AS TEXT)",
        f"UPDATE approvals SET plan = '{'[' * 100_000}'",
    ],
    ids=["a number for a time", "no UTF-8", "nested too deeply"],
)
async def test_a_cell_that_breaks_whoever_reads_it_hides_nothing(
    database_url: str, tmp_path: Path, change: str
) -> None:
    court, check, whole = await opened(database_url, tmp_path)
    await populate(database_url)
    await edit_row(database_url, change)
    await whole.verify(check.look)
    assert "it cannot be read" in check.told()
    assert court.signed


@pytest.mark.parametrize("trouble", [TransientError("away"), OSError(24, "Too many open files"), KeyError("nobody")])
async def test_what_was_found_stays_found_while_it_cannot_be_looked_at_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    court, check, whole = await opened(database_url, tmp_path)
    await populate(database_url)

    async def broken(*_: object) -> None:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr("bot.history_whole.check_rows", broken)
        await whole.verify(check.look)
    assert [found.state for found in await whole.probe()] == ["warn"]
    await edit_row(database_url, "UPDATE votes SET choice = 'reject'")
    await whole.verify(check.look)
    monkeypatch.setattr("bot.history_whole.check_rows", broken)
    await whole.verify(check.look)
    assert "the vote of U0BOB is reject" in check.told()
    assert court.signed


async def test_a_plan_of_an_earlier_version_is_a_warning(database_url: str, tmp_path: Path) -> None:
    _, check, whole = await opened(database_url, tmp_path)
    await populate(database_url)
    await edit_row(database_url, "UPDATE approvals SET plan = replace(plan, 'checkout', 'payments')")
    await whole.verify(check.look)
    (found,) = await whole.probe()
    assert (found.state, check.told()) == ("warn", "the self-check has not been made yet")


async def test_what_an_operator_has_ended_is_not_held_against_the_new_history(
    database_url: str, tmp_path: Path
) -> None:
    court, check, whole = await opened(database_url, tmp_path)
    await asyncio.to_thread(forge, court, "edit")
    court.heads.path.rename(tmp_path / "audit-heads.ended")
    await whole.verify(check.look)
    court.sign(court.signed[-1].head, 9)
    await whole.verify(check.look)
    assert [found.state for found in await whole.probe()] == ["ok"]


async def test_what_is_changed_later_is_found_later(database_url: str, tmp_path: Path) -> None:
    court, check, whole = await opened(database_url, tmp_path)
    await populate(database_url)
    told = asyncio.Event()

    async def news() -> None:
        await check.look()
        told.set()

    watching = asyncio.create_task(whole.keep_verifying(news, timedelta(milliseconds=10)))
    for _ in range(1000):
        if (await whole.probe())[0].text.startswith("verified"):
            break
        await asyncio.sleep(0.01)
    assert await check.unfit() == ""
    await edit_row(database_url, "UPDATE votes SET choice = 'reject'")
    async with asyncio.timeout(10):
        await told.wait()
    whole.stop()
    await watching
    assert "the vote of U0BOB is reject, where the history says approve" in check.told()
    assert court.signed


async def test_it_lets_go_at_once(database_url: str, tmp_path: Path) -> None:
    _, check, whole = await opened(database_url, tmp_path)
    whole.stop()
    await whole.verify(check.look)
    (found,) = await whole.probe()
    assert found.text == "is being verified"


async def test_a_database_that_is_away_is_a_warning_for_others_tell_of_it(tmp_path: Path) -> None:
    court = Court(f"sqlite:///{tmp_path / 'gone.db'}", tmp_path)
    court.sign(Head(1, "ab" * 32), 0)
    whole = WholeHistory(court.url, court.heads, KeyRing.of(court.key.public))
    await whole.verify(_nothing)
    (found,) = await whole.probe()
    assert found.state == "warn"
    assert "could not be verified" in found.text
    assert not (tmp_path / "gone.db").exists()


async def _nothing() -> None:
    raise AssertionError("nobody is told")
