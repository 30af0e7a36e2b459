"""With heads that were signed outside the database, `audit verify` finds all that can be done to a history."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.audit_heads import HeadsFile
from bot.adapters.audit_key import AuditKey, load_key, make_key, parse_public, public_text
from bot.adapters.database import audit_check
from bot.adapters.database.audit_check import check_chain, check_since
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import open_database
from core import audit_head
from core.audit_chain import Head, Noted
from core.audit_head import SignedHead, sign_head
from core.errors import ConfigurationError
from tests.contracts.test_audit_verify import compute_anew, tamper, verify, write
from tests.fakes.clock import START
from tests.fakes.examples import an_audit_event

KEPT = {"edit", "deletion", "swap"}
"""What the chain shows without any head."""


class Court:
    """A history of ten rows of which heads were signed at rows 4, 8 and 10, and its key."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.key = make_key(folder / "audit.key")
        self.heads = HeadsFile(folder / "audit-heads.jsonl")
        self.signed: list[SignedHead] = []

    async def populate(self) -> None:
        for number, rows in enumerate((4, 4, 2)):
            await write(self.url, rows)
            head = (await check_chain(self.url)).head
            self.sign(head, number)

    def sign(self, head: Head, number: int, key: AuditKey | None = None) -> SignedHead:
        signed = sign_head(head, START + timedelta(minutes=15 * number), key or self.key)
        self.heads.append(signed)
        self.signed.append(signed)
        return signed

    async def write_on(self, rows: int) -> None:
        """Let life go on a day later."""
        database = open_database(self.url)
        for number in range(rows):
            at = START + timedelta(days=1)
            await SqlAudit(database).append(an_audit_event(kind="VoteCast", details={"number": number}, at=at))
        await database.close()


@pytest.fixture
def court(any_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Court:
    monkeypatch.setenv("DATABASE_URL", any_database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    court = Court(any_database_url, tmp_path)
    asyncio.run(court.populate())
    return court


def forge(court: Court, deed: str) -> None:
    """Do it as somebody with the database's own rights."""
    if deed == "edit":
        tamper(court.url, "UPDATE audit_events SET actor = 'U0MALLORY' WHERE sequence = 5")
    elif deed == "deletion":
        tamper(court.url, "DELETE FROM audit_events WHERE sequence = 5")
    elif deed == "swap":
        swap = "CASE sequence WHEN 2 THEN '{\"number\":3}' ELSE '{\"number\":2}' END"
        tamper(court.url, f"UPDATE audit_events SET details = {swap} WHERE sequence IN (2, 3)")
    elif deed == "recomputed chain":
        asyncio.run(compute_anew(court.url))
    else:
        tamper(court.url, "DELETE FROM audit_events WHERE sequence > 7")
        if deed == "database restored":
            asyncio.run(court.write_on(5))


DEEDS = {
    "edit": "row 5 was changed",
    "deletion": "row 5 is missing",
    "swap": "row 2 holds what was written as row 3",
    "cut tail": "so the tail was cut off",
    "recomputed chain": "the chain was computed anew; the last head that fits is that of row 4",
    "database restored": "it was written after that, over an older copy of the database",
}


@pytest.mark.parametrize("deed", DEEDS)
def test_each_of_the_six_is_found_and_named(court: Court, capsys: pytest.CaptureFixture[str], deed: str) -> None:
    assert verify() == 0
    assert ", 3 signed, the last on 2026-11-02 09:30 UTC up to row 10, " in capsys.readouterr().out
    forge(court, deed)
    assert verify() == 1
    assert DEEDS[deed] in capsys.readouterr().err


@pytest.mark.parametrize("deed", sorted(DEEDS.keys() - KEPT))
def test_a_verify_that_does_not_ask_for_the_heads_misses_three_of_the_six(
    court: Court, monkeypatch: pytest.MonkeyPatch, deed: str
) -> None:
    forge(court, deed)
    monkeypatch.setattr(audit_check, "ChainCheck", lambda noted: _BLIND())
    assert verify() == 0


_BLIND = audit_check.ChainCheck


@pytest.mark.parametrize("deed", sorted(DEEDS.keys() - KEPT))
def test_lines_copied_from_the_channel_and_the_public_key_are_enough(
    court: Court, capsys: pytest.CaptureFixture[str], deed: str
) -> None:
    pasted = court.folder / "pasted.txt"
    pasted.write_text(
        "\n".join(f"Watchkeeper 10:15\n> History is signed up to row …: `{head}`" for head in court.signed)
    )
    key = public_text(court.key.public)
    for name in ("audit.key", "audit-heads.jsonl"):
        (court.folder / name).unlink()
    arguments = ("--heads", str(pasted), "--key", key)
    assert verify(*arguments) == 0
    forge(court, deed)
    capsys.readouterr()
    assert verify(*arguments) == 1
    assert DEEDS[deed] in capsys.readouterr().err


def test_heads_of_somebody_else_are_a_fault_and_prove_nothing(
    court: Court, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = make_key(tmp_path / "stranger.key")
    court.sign(Head(10, "e" * 64), 3, stranger)
    assert verify() == 1
    told = capsys.readouterr().err.splitlines()
    assert told == [f"audit: the head of row 10 is signed with the unknown key {stranger.key_id}"]
    both = ("--key", public_text(court.key.public), "--key", public_text(stranger.public))
    assert verify(*both) == 1
    assert "row 10 is not the one that was signed" in capsys.readouterr().err


def test_a_forged_head_is_a_fault_unless_signatures_are_not_checked(
    court: Court, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A forger who has the database and the file, but not the key.
    tamper(court.url, "DELETE FROM audit_events WHERE sequence > 7")
    head = asyncio.run(check_chain(court.url)).head
    true = court.signed[0]
    forged = SignedHead(head.sequence, head.hash, true.at, true.key_id, true.signature)
    court.heads.path.write_text(f"{true.as_json()}\n{forged.as_json()}\n")
    assert verify() == 1
    assert "it was forged" in capsys.readouterr().err
    monkeypatch.setattr(audit_head, "fault_of", lambda head, verifier: "")
    assert verify() == 0


def test_without_any_head_verify_says_what_it_cannot_see(court: Court, capsys: pytest.CaptureFixture[str]) -> None:
    court.heads.path.unlink()
    assert verify() == 0
    assert "there is no signed head" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("--heads", "/nowhere"), ("--key", "ed25519:abc")],
)
def test_what_cannot_be_used_is_said(
    court: Court, capsys: pytest.CaptureFixture[str], arguments: Sequence[str]
) -> None:
    assert verify(*arguments) == 2
    assert arguments[0] in capsys.readouterr().err


def test_heads_without_a_key_cannot_be_checked(court: Court, capsys: pytest.CaptureFixture[str]) -> None:
    (court.folder / "audit.key").unlink()
    assert verify() == 2
    assert "AUDIT_KEY_FILE" in capsys.readouterr().err


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_look_from_the_last_head_on_is_enough_for_the_running_bot(
    any_database_url: str, tmp_path: Path, deed: str
) -> None:
    court = Court(any_database_url, tmp_path)
    await court.populate()
    await court.write_on(2)
    database = open_database(court.url)
    first, last = court.signed[0], court.signed[-1]
    assert await check_since(database, [Noted(last.head, last.at)]) == (3, (await check_chain(court.url)).head, (), 0)
    assert (await check_since(database, [])).head.sequence == 12
    await asyncio.to_thread(forge, court, deed)
    seen = (await check_since(database, [Noted(last.head, last.at)])).intact
    assert seen is (deed in KEPT), "what was changed before that head is for the whole look"
    both = [Noted(first.head, first.at), Noted(last.head, last.at)]
    assert (await check_since(database, both)).intact is (deed == "swap"), "which was before both"
    await database.close()


# The file and the key.


def a_head(key: AuditKey, sequence: int) -> SignedHead:
    return sign_head(Head(sequence, "ab" * 32), START, key)


def test_a_line_that_a_crash_cut_off_is_taken_away_and_signed_anew(tmp_path: Path) -> None:
    key, heads = make_key(tmp_path / "audit.key"), HeadsFile(tmp_path / "deep" / "heads.jsonl")
    assert (heads.latest(), heads.first()) == ([], None)
    heads.append(a_head(key, 1))
    with heads.path.open("a") as file:
        file.write(a_head(key, 2).as_json()[:50])
    assert heads.latest() == [a_head(key, 1)]
    heads.append(a_head(key, 2))
    assert heads.latest() == [a_head(key, 1), a_head(key, 2)]
    assert heads.path.stat().st_mode & 0o777 == 0o600


def test_of_a_long_file_the_end_is_read(tmp_path: Path) -> None:
    key, heads = make_key(tmp_path / "audit.key"), HeadsFile(tmp_path / "heads.jsonl")
    many = [a_head(key, number) for number in range(1, 501)]
    heads.path.write_text("".join(f"{head.as_json()}\n" for head in many))
    found = heads.latest()
    assert 100 < len(found) < 500
    assert found == many[-len(found) :]
    assert heads.first() == many[0]


def test_a_key_is_made_once_for_its_owner_alone_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.key"
    key = make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert make_key(path).public == load_key(path).public == key.public == parse_public(public_text(key.public))
    assert [each.name for each in path.parent.iterdir()] == ["audit.key"]


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda path: path.chmod(0o644), "chmod 600"),
        (lambda path: path.write_text("no key"), "PEM"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_a_key_that_is_open_broken_or_away_is_refused(tmp_path: Path, spoil, word: str) -> None:  # type: ignore[no-untyped-def]
    make_key(path := tmp_path / "audit.key")
    spoil(path)
    with pytest.raises(ConfigurationError, match=word):
        load_key(path)
