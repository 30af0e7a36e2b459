"""Whatever is done to the history's rows, the check names the row; what it cannot see alone, a noted head shows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import audit_chain
from core.audit_chain import START, Head, StoredRow, Verdict, content_of, next_head
from tests.fakes.audit import InMemoryAudit
from tests.fakes.examples import an_audit_event

Rows = list[StoredRow]


async def a_history(rows: int) -> InMemoryAudit:
    audit = InMemoryAudit()
    for number in range(1, rows + 1):
        await audit.append(an_audit_event(details={"number": number}))
    return audit


def edited(row: StoredRow, field: int = 1, value: bytes | None = b"U0MALLORY") -> StoredRow:
    content = list(row.content)
    content[field] = value
    return row._replace(content=content)


def rebuilt(row: StoredRow, previous: bytes, sequence: int) -> StoredRow:
    """Return the row with links that are right where it stands now, as somebody with this program could."""
    _, own = next_head(Head(sequence - 1, previous.decode()), row.content)  # type: ignore[arg-type]
    return row._replace(sequence=sequence, previous_hash=previous, hash=own.encode())


def edit(rows: Rows) -> None:
    rows[4] = edited(rows[4])


def edit_with_its_hash(rows: Rows) -> None:
    forged = edited(rows[4])
    rows[4] = rebuilt(forged, forged.previous_hash or b"", 5)


def edit_of_the_hash_alone(rows: Rows) -> None:
    rows[4] = rows[4]._replace(hash=b"f" * 64)


def loss_of_the_hash(rows: Rows) -> None:
    rows[4] = rows[4]._replace(hash=None, previous_hash=None)


def delete_the_first(rows: Rows) -> None:
    del rows[0]


def delete_from_the_middle(rows: Rows) -> None:
    del rows[4:6]


def delete_and_close_the_gap(rows: Rows) -> None:
    del rows[4]
    rows[4:] = [row._replace(sequence=number) for number, row in enumerate(rows[4:], start=5)]


def swap_what_two_rows_say(rows: Rows) -> None:
    rows[2], rows[6] = rows[2]._replace(content=rows[6].content), rows[6]._replace(content=rows[2].content)


def swap_two_places(rows: Rows) -> None:
    rows[2], rows[6] = rows[6]._replace(sequence=3), rows[2]._replace(sequence=7)


def take_out_and_put_back(rows: Rows) -> None:
    rows[4] = rows[4]._replace(id=99)


def write_one_twice(rows: Rows) -> None:
    rows.insert(5, rows[4]._replace(id=99))


def copy_to_the_end(rows: Rows) -> None:
    rows.append(rows[4]._replace(id=11, sequence=11))


def slip_in_unchained(rows: Rows) -> None:
    rows.insert(0, rows[4]._replace(id=11, sequence=None))


def put_another_beginning(rows: Rows) -> None:
    rows[0] = rebuilt(rows[0], b"e" * 64, 1)


TAMPERED: list[tuple[Callable[[Rows], None], list[str]]] = [
    (edit, ["row 5 was changed"]),
    (edit_with_its_hash, ["row 6 does not follow row 5: that one was written anew"]),
    (edit_of_the_hash_alone, ["row 5 was changed"]),
    (loss_of_the_hash, ["row 5 was changed"]),
    (delete_the_first, ["row 1 is missing"]),
    (delete_from_the_middle, ["rows 5 to 6 are missing"]),
    (delete_and_close_the_gap, [f"row {n} holds what was written as row {n + 1}" for n in range(5, 9)] + ["row 9 was"]),
    (swap_what_two_rows_say, ["row 3 holds what was written as row 7", "row 7 holds what was written as row 3"]),
    (swap_two_places, ["row 3 was put back", "row 3 holds what", "row 7 was put back", "row 7 holds what"]),
    (take_out_and_put_back, ["row 5 was put back later"]),
    (write_one_twice, ["row 5 stands twice (ids 5 and 99)", "row 5 was put back later"]),
    (copy_to_the_end, ["row 11 was changed"]),
    (slip_in_unchained, ["the row with id 11 stands outside the chain"]),
    (put_another_beginning, ["row 1 is not the beginning", "row 2 does not follow row 1"]),
]


def agree(verdict: Verdict, faults: list[str]) -> bool:
    pairs = zip(verdict.faults, faults, strict=False)
    return len(verdict.faults) == len(faults) and all(found.startswith(fault) for found, fault in pairs)


@pytest.mark.parametrize(("tamper", "faults"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
async def test_what_was_done_to_the_rows_is_found_and_named(tamper: Callable[[Rows], None], faults: list[str]) -> None:
    audit = await a_history(10)
    tamper(audit.rows)
    verdict = audit.check()
    assert agree(verdict, faults), verdict.faults


@pytest.mark.parametrize("rows", [0, 1, 10])
async def test_a_history_that_nobody_touched_is_intact(rows: int) -> None:
    verdict = (await a_history(rows)).check()
    assert (verdict.intact, verdict.rows, verdict.head.sequence) == (True, rows, rows)
    assert verdict.head == START or len(verdict.head.hash) == 64


@given(st.integers(0, 7), st.integers(0, 5), st.data())
async def test_no_byte_of_no_field_can_be_changed(row: int, field: int, data: st.DataObject) -> None:
    audit = await a_history(8)
    old = audit.rows[row].content[field]
    new = data.draw(st.none() | st.binary(max_size=90))
    audit.rows[row] = edited(audit.rows[row], field, new)
    assert audit.check().intact is (new == old)


@given(st.lists(st.text("ab0:,~", max_size=4) | st.none(), min_size=3, max_size=3), st.data())
def test_no_two_contents_have_one_hash(fields: list[str | None], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.text("ab0:,~", max_size=4) | st.none(), min_size=3, max_size=3))
    hashes = {next_head(START, a_content(each)) for each in (fields, others)}
    assert len(hashes) == len({tuple(fields), tuple(others)})


def a_content(fields: list[str | None]) -> object:
    content = content_of(an_audit_event(details={}))
    actor, subject, incident_id = (None if field is None else field.encode() for field in fields)
    return content._replace(actor=actor, subject=subject, incident_id=incident_id)  # type: ignore[arg-type]


async def test_a_hash_that_leaves_a_field_out_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = audit_chain._row_hash
    monkeypatch.setattr(audit_chain, "_row_hash", lambda *parts: whole(*parts[:2], [b"", *parts[2][2:]]))
    audit = await a_history(8)
    audit.rows[3] = edited(audit.rows[3])
    assert audit.check().intact, "nobody would see who did it"


def test_fields_that_run_into_each_other_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_together(previous: bytes, sequence: int, content: Sequence[bytes | None]) -> bytes:
        return sha256(b"".join(field or b"" for field in (previous, *content))).hexdigest().encode()

    monkeypatch.setattr(audit_chain, "_row_hash", run_together)
    contents = [a_content(fields) for fields in (["ab", "", None], ["a", "b", None], ["a", "b", ""])]
    assert len({next_head(START, content) for content in contents}) == 1  # type: ignore[arg-type]


async def test_a_cut_tail_shows_only_beside_a_noted_head() -> None:
    audit = await a_history(10)
    noted = audit.check().head
    assert audit.check(noted).intact
    del audit.rows[7:]
    assert audit.check().intact, "this is why a head has to be noted elsewhere"
    assert agree(audit.check(noted), ["rows 8 to 10 are missing at the end"])


async def test_a_chain_that_was_computed_anew_shows_only_beside_a_noted_head() -> None:
    audit = await a_history(10)
    noted = audit.check().head
    audit.rows[4] = edited(audit.rows[4])
    previous = audit.rows[3].hash or b""
    for index in range(4, 10):
        audit.rows[index] = rebuilt(audit.rows[index], previous, index + 1)
        previous = audit.rows[index].hash or b""
    assert audit.check().intact, "this is why a head has to be noted elsewhere"
    assert agree(audit.check(noted), ["row 10 is not the one that was noted"])


async def test_yesterdays_rows_with_todays_written_after_them_are_found_by_a_noted_head() -> None:
    audit, restored = await a_history(10), await a_history(7)
    for _ in range(5):
        await restored.append(an_audit_event(kind="VoteCast"))
    assert restored.check().intact
    assert agree(restored.check(audit.check().head), ["row 10 is not the one that was noted"])


async def test_rows_that_were_added_since_agree_with_a_noted_head() -> None:
    audit = await a_history(10)
    noted = audit.check().head
    await audit.append(an_audit_event())
    assert audit.check(noted).intact


async def test_of_a_thousand_wrong_rows_a_hundred_are_named_and_all_are_counted() -> None:
    audit = await a_history(1000)
    audit.rows[:] = [edited(row) for row in audit.rows]
    verdict = audit.check()
    assert (len(verdict.faults), verdict.more) == (100, 900)


def test_the_hash_of_a_row_never_changes_between_versions() -> None:
    event = an_audit_event(
        at=datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=1))), details={"ü": [1, 0.5]}
    )
    content = content_of(event)
    assert (content.at, content.details) == (b"2026-11-22 09:00:00.000000", b'{"\\u00fc":[1,0.5]}')
    assert next_head(START, content).hash == "5d9843b73c54d3da7af13bcd0b939ccfd39aa967b5c30976380ba7d9379aa013"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        content_of(an_audit_event(at=datetime(2026, 11, 22, tzinfo=UTC).replace(tzinfo=None)))


def test_a_noted_head_reads_as_it_was_printed() -> None:
    head = Head(12, "ab" * 32)
    assert Head.parse(f" {str(head).upper()}\n") == head
    for wrong in (
        "",
        "12",
        "0:" + "ab" * 32,
        "12:abc",
        f"-1:{'ab' * 32}",
        f"12:{'ag' * 32}",
        f"{'9' * 30}:{'ab' * 32}",
    ):
        with pytest.raises(ValueError, match="SEQ:HASH"):
            Head.parse(wrong)
