"""A signed head goes through files and chats unharmed, and nobody without the key can make or change one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import audit_head
from core.audit_chain import ChainCheck, Head, Noted, Verdict
from core.audit_head import SignedHead, collect_heads, fault_of, sign_head
from tests.core.test_audit_chain import a_history, rebuilt
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import START
from tests.fakes.examples import an_audit_event

HEAD = Head(1234, "ab" * 32)


@dataclass(frozen=True)
class PretendKey:
    """A signer whose signatures anybody could make, and the verifier that knows it alone."""

    key_id: str = "0123456789abcdef"

    def sign(self, message: bytes) -> bytes:
        return sha256(self.key_id.encode() + message).digest() * 2

    def knows(self, key_id: str) -> bool:
        return key_id == self.key_id

    def verifies(self, key_id: str, message: bytes, signature: bytes) -> bool:
        return self.knows(key_id) and signature == self.sign(message)


KEY, OTHER = PretendKey(), PretendKey("f" * 16)
SIGNED = sign_head(HEAD, START + timedelta(microseconds=7), KEY)
NEXT = sign_head(Head(1300, "cd" * 32), START + timedelta(minutes=15), KEY)


def test_a_head_reads_as_it_was_written_in_both_forms() -> None:
    assert SignedHead.parse(str(SIGNED)) == SignedHead.parse(SIGNED.as_json()) == SIGNED
    assert "\n" not in f"{SIGNED}{SIGNED.as_json()}"
    assert not set(str(SIGNED)) & set("*_~`<>&:@#|\"'.-"), "nothing that a chat would turn into something else"


@pytest.mark.parametrize(
    "pasted",
    [
        f"Watchkeeper  APP  10:15 AM\nHistory is signed up to row 1234: `{SIGNED}`\nAlice  10:16 AM\nthanks",
        f"> {str(SIGNED).upper()}",
        str(SIGNED).replace(" ", "\u00a0"),
        str(SIGNED).replace(" ", "\n> "),
        f"\ufeff```{SIGNED}```\r\n",
        f"{SIGNED}\n{SIGNED}",
    ],
    ids=["among talk", "capitals", "hard spaces", "quoted and wrapped", "code and CRLF", "twice"],
)
def test_a_head_survives_a_chat(pasted: str) -> None:
    assert collect_heads(pasted, KEY) == ((SIGNED,), ())


def test_a_head_that_a_chat_has_cut_is_no_silent_loss() -> None:
    found = collect_heads(f"{str(SIGNED)[:-1]}…\n{NEXT}", KEY)
    assert found.heads == (NEXT,)
    assert found.faults == ("a pasted line holds no head that can be read",)


def test_of_a_file_every_line_counts_but_one_that_a_crash_cut_off() -> None:
    text = f"{SIGNED.as_json()}\n{{broken}}\n{NEXT.as_json()}\n"
    assert collect_heads(text, KEY) == ((SIGNED, NEXT), ("line 2 holds no head that can be read",))
    assert collect_heads(f"{SIGNED.as_json()}\n{NEXT.as_json()[:90]}", KEY) == ((SIGNED,), ())


@given(st.sampled_from(["sequence", "hash", "at", "key_id", "signature"]), st.data())
def test_no_field_of_a_head_can_be_changed(field: str, data: st.DataObject) -> None:
    value = getattr(SIGNED, field)
    if isinstance(value, int):
        changed: object = data.draw(st.integers(1, 10**17).filter(lambda other: other != value))
    elif isinstance(value, datetime):
        changed = value + timedelta(seconds=data.draw(st.integers(1, 10**7)))
    else:
        place = data.draw(st.integers(0, len(value) - 1))
        changed = value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :]
    forged = SIGNED._replace(**{field: changed})
    found = collect_heads(str(forged), KEY)
    assert (found.heads, len(found.faults)) == ((), 1)


def test_a_head_of_another_key_is_named_as_such() -> None:
    assert "unknown key ffffffffffffffff" in fault_of(sign_head(HEAD, START, OTHER), KEY)
    assert "forged" in fault_of(SIGNED._replace(sequence=1235), KEY)
    assert fault_of(SIGNED, KEY) == ""


def test_without_the_check_of_signatures_a_forged_head_would_count(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = SIGNED._replace(hash="cd" * 32)
    assert collect_heads(str(forged), KEY).heads == ()
    monkeypatch.setattr(audit_head, "fault_of", lambda head, verifier: "")
    assert collect_heads(str(forged), KEY).heads == (forged,)


def test_what_is_signed_never_changes_between_versions() -> None:
    assert SIGNED.message == b"watchkeeper head 1\n1234\n" + b"ab" * 32 + b"\n20261102t090000z\n0123456789abcdef\n"


@pytest.mark.parametrize("wrong", ["", "{}", "{", "watchkeeperhead1", '{"sequence":1,"at":7}', str(HEAD)])
def test_what_is_no_head_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no signed head"):
        SignedHead.parse(wrong)


# What heads that are kept elsewhere show of a chain.

SIGNED_AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)


def held_against(audit: InMemoryAudit, heads: Sequence[Head], after: int = 0) -> Verdict:
    check = ChainCheck([Noted(head, SIGNED_AT) for head in heads], after)
    for row in audit.rows[after:]:
        check.look_at(row)
    return check.finish()


async def heads_of(audit: InMemoryAudit, *sequences: int) -> list[Head]:
    return [Head(each, (audit.rows[each - 1].hash or b"").decode()) for each in sequences]


async def test_heads_of_the_chain_agree_with_it_and_with_what_was_added() -> None:
    audit = await a_history(10)
    heads = await heads_of(audit, 3, 7, 10)
    await audit.append(an_audit_event())
    assert held_against(audit, heads).intact


async def test_a_cut_tail_is_named() -> None:
    audit = await a_history(10)
    heads = await heads_of(audit, 7, 10)
    del audit.rows[8:]
    (fault,) = held_against(audit, heads).faults
    assert fault.startswith("rows 9 to 10 are missing at the end: row 10 was there when it was signed on 2026-11-02")


async def test_a_chain_computed_anew_is_named_with_the_last_head_that_fits() -> None:
    audit = await a_history(10)
    heads = await heads_of(audit, 3, 7, 8, 10)
    content = list(audit.rows[4].content)
    content[1] = b"U0MALLORY"
    audit.rows[4] = audit.rows[4]._replace(content=content)
    previous = audit.rows[4].previous_hash or b""
    for index in range(4, 10):
        audit.rows[index] = rebuilt(audit.rows[index], previous, index + 1)
        previous = audit.rows[index].hash or b""
    (fault,) = held_against(audit, heads).faults
    assert fault.startswith("row 7 is not the one that was signed on 2026-11-02 10:00 UTC: the chain was computed anew")
    assert fault.endswith("the last head that fits is that of row 3")


async def test_an_older_copy_that_was_written_on_is_named() -> None:
    audit, restored = await a_history(10), await a_history(7)
    for _ in range(5):
        await restored.append(an_audit_event(at=SIGNED_AT + timedelta(hours=1)))
    (fault,) = held_against(restored, await heads_of(audit, 3, 10)).faults
    assert (
        "over an older copy of the database (or a tail that was cut); the last head that fits is that of row 3" in fault
    )


async def test_without_its_heads_the_same_check_sees_nothing_of_all_that() -> None:
    restored = await a_history(7)
    for _ in range(5):
        await restored.append(an_audit_event())
    assert held_against(restored, ()).intact


async def test_a_look_from_a_head_on_sees_what_came_after_it_and_asks_for_nothing_before() -> None:
    audit = await a_history(10)
    heads = await heads_of(audit, 6)
    assert held_against(audit, heads, after=5) == (5, (await heads_of(audit, 10))[0], (), 0)
    audit.rows[8] = audit.rows[8]._replace(content=audit.rows[0].content)
    assert held_against(audit, heads, after=5).faults[0].startswith("row 9 was changed")
    del audit.rows[3:]
    assert held_against(audit, heads, after=5).faults[0].startswith("row 6 is missing at the end")


async def test_two_signed_heads_of_one_row_cannot_both_be_true() -> None:
    audit = await a_history(10)
    (true,) = await heads_of(audit, 7)
    (fault,) = held_against(audit, [true, Head(7, "e" * 64)]).faults
    assert fault.startswith("row 7 is not the one that was signed")
