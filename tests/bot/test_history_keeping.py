"""The newest head is kept outside the database at once, so that a copy that is minutes old is noticed too."""

import asyncio
from pathlib import Path

import pytest

from bot.adapters.audit_heads import HeadsFile
from bot.history_watch import HISTORY
from core.errors import TransientError
from tests.bot.test_history import Scribe, scribe  # noqa: F401 - a fixture
from tests.contracts.test_audit_heads import Court, court  # noqa: F401 - a fixture
from tests.contracts.test_audit_verify import tamper, verify
from tests.fakes.databases import *

MINUTE = 1.0


async def decided_between_two_signatures(scribe: Scribe) -> None:  # noqa: F811
    """Sign at row 4, decide and act for a minute more, and keep what came of it."""
    await scribe.live(rows=4)
    await scribe.signing.tick()
    await scribe.live(rows=3, minutes=MINUTE)
    await scribe.signing.tick()
    assert scribe.signed() == [4]
    await scribe.keeping.tick()


async def test_a_copy_that_is_younger_than_the_last_signature_is_noticed(scribe: Scribe) -> None:  # noqa: F811
    await decided_between_two_signatures(scribe)
    await scribe.lose_its_tail(1)
    scribe.restart()
    assert "row 7 is missing at the end" in await scribe.check.unfit()
    before = scribe.heads.path.with_suffix(".last").read_text()
    await scribe.live(rows=5, minutes=MINUTE)
    await scribe.keeping.tick()
    await scribe.signing.tick()
    assert scribe.heads.path.with_suffix(".last").read_text() == before, "what is at fault is not signed"
    assert "row 7 is not the one that was signed" in " ".join((await scribe.watch.look()).faults)


async def test_without_what_is_kept_such_a_copy_goes_unseen(
    scribe: Scribe,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HeadsFile, "keep", lambda self, head: None)
    await decided_between_two_signatures(scribe)
    await scribe.lose_its_tail(1)
    scribe.restart()
    assert await scribe.check.unfit() == ""


async def test_nothing_is_written_while_nothing_happens_and_once_for_a_burst(
    scribe: Scribe,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[int] = []
    keep = HeadsFile.keep
    monkeypatch.setattr(HeadsFile, "keep", lambda self, head: (written.append(head.sequence), keep(self, head))[1])
    await decided_between_two_signatures(scribe)
    for _ in range(3):
        await scribe.keeping.tick()
    await scribe.live(rows=50, minutes=0)
    await scribe.keeping.tick()
    assert written == [7, 57]


async def test_it_waits_until_a_decision_has_got_to_its_effect_and_no_longer(scribe: Scribe) -> None:  # noqa: F811
    await decided_between_two_signatures(scribe)
    await scribe.live(rows=1, minutes=MINUTE)
    scribe.keeping.quiet_seconds = 0.02
    steps = 0

    async def busy() -> None:
        nonlocal steps
        while True:
            scribe.grown.set()
            steps += 1
            await asyncio.sleep(0)

    acting = asyncio.create_task(busy())
    await scribe.keeping.tick()
    acting.cancel()
    kept = scribe.heads.kept()
    assert kept
    assert kept.sequence == 8, "what never rests is kept all the same"
    assert steps > 5


async def test_what_a_restart_finds_uncovered_is_kept_then(scribe: Scribe) -> None:  # noqa: F811
    await decided_between_two_signatures(scribe)
    await scribe.live(rows=1, minutes=MINUTE)
    scribe.restart()
    await scribe.check.unfit()
    assert scribe.watch.is_behind
    await scribe.keeping.tick()
    kept = scribe.heads.kept()
    assert kept
    assert kept.sequence == 8


async def test_a_folder_that_cannot_be_written_is_told_of(
    scribe: Scribe,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await decided_between_two_signatures(scribe)

    def full(self: HeadsFile, head: object) -> None:
        raise TransientError("no space left")

    monkeypatch.setattr(HeadsFile, "keep", full)
    await scribe.live(rows=2, minutes=MINUTE)
    with pytest.raises(TransientError):
        await scribe.keeping.tick()
    await scribe.keeping.finish()
    await scribe.watch.probe()
    (found,) = await scribe.watch.probe()
    assert (found.state, found.name) == ("warn", HISTORY)
    assert found.text.startswith("rows 8 to 9 are covered by no signed head")


async def test_a_history_that_was_ended_on_purpose_takes_what_was_kept_along(scribe: Scribe) -> None:  # noqa: F811
    await decided_between_two_signatures(scribe)
    await scribe.lose_its_tail(2)
    scribe.heads.path.rename(scribe.folder / "audit-heads.ended")
    scribe.restart()
    assert await scribe.check.unfit() == ""
    await scribe.live(minutes=MINUTE)
    await scribe.signing.tick()
    await scribe.keeping.tick()
    assert await scribe.check.unfit() == ""
    kept = scribe.heads.kept()
    assert kept is None or kept.sequence == 6


async def test_what_is_no_head_is_a_fault(scribe: Scribe) -> None:  # noqa: F811
    await decided_between_two_signatures(scribe)
    scribe.heads.path.with_suffix(".last").write_text("{}\n")
    assert "audit-heads.last is no signed head" in await scribe.check.unfit()
    await scribe.live()
    await scribe.keeping.tick()
    assert (await scribe.watch.look()).faults


def test_verify_asks_for_it_and_names_the_rows_that_no_head_covers(
    court: Court,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    cut_last_signature(court.heads.path)
    assert verify() == 0
    assert "audit: rows 9 to 10 are covered by no signed head" in capsys.readouterr().err
    court.heads.keep(court.signed[-1])
    assert verify() == 0
    assert capsys.readouterr().err == ""
    tamper(court.url, "DELETE FROM audit_events WHERE sequence > 8")
    assert verify() == 1
    assert "rows 9 to 10 are missing at the end" in capsys.readouterr().err


def cut_last_signature(file: Path) -> None:
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
