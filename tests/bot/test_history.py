"""The running bot signs its history, tells a channel once, and finds by itself that it is no longer that history."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bot import history_watch
from bot.adapters.audit_heads import HeadsFile
from bot.adapters.audit_key import KeyRing, make_key
from bot.cards.audit_heads import AuditHeadLines
from bot.cards.poster import Poster
from bot.history_keeping import HistoryKeeping
from bot.history_posting import HistoryPosting
from bot.history_signing import HistorySigning
from bot.history_watch import HISTORY, HistoryWatch
from bot.self_check import SelfCheck
from core.audit_chain import ChainCheck, Noted, Verdict
from core.audit_head import SignedHead, collect_heads
from core.brief import Place
from core.errors import TransientError
from core.services.needs_human import NeedsHuman
from tests.bot.stage import INCIDENTS, OPS, Stage, open_stage, words
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import FakeClock
from tests.fakes.examples import an_audit_event

EVERY = timedelta(minutes=15)


class Scribe:
    """A bot's history with everything that signs and watches it; `posts` is what a channel that can fail has got."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audit, self.clock, self.cards = InMemoryAudit(), FakeClock(), RecordingCards()
        self.name, self.posts, self.broken = "#audit", [], False
        self.restart()

    def restart(self) -> None:
        """Forget what only the process knew."""
        self.key = make_key(self.folder / "audit.key")
        self.heads = HeadsFile(self.folder / "audit-heads.jsonl")
        self.watch = HistoryWatch(self.heads, KeyRing.of(self.key.public), self.look)
        human = NeedsHuman(self.cards, self.audit, self.clock)
        self.signing = HistorySigning(
            self.watch, self.heads, self.key, EVERY, self.audit, human, self.place, self.clock
        )
        self.posting = HistoryPosting(self.heads, self, self.watch)
        self.grown = asyncio.Event()
        given = (self.watch, self.heads, self.key, self.look, self.grown, self.clock)
        self.keeping = HistoryKeeping(*given, quiet_seconds=0)
        self.ticks = 0.0
        self.check = SelfCheck({HISTORY: self.watch.probe}, self.clock, monotonic=lambda: self.ticks)

    async def look(self, noted: Sequence[Noted]) -> Verdict:
        """Look as the database's check does."""
        first = min((each.head.sequence for each in noted), default=len(self.audit.rows) + 1)
        check = ChainCheck(noted, first - 1)
        for row in self.audit.rows[first - 1 :]:
            check.look_at(row)
        verdict = check.finish()
        return verdict if noted else verdict._replace(head=self.audit.check().head)

    async def place(self) -> Place:
        return Place(channel="C0AUDIT", thread_ts="")

    async def post(self, head: SignedHead) -> bool:
        if self.broken:
            raise TransientError("Slack does not take messages")
        self.posts.append(head)
        return True

    async def posted(self) -> list[SignedHead]:
        if self.broken:
            raise TransientError("Slack does not answer")
        return list(self.posts)

    async def live(self, rows: int = 1, minutes: float = 15) -> None:
        """Let something happen, and time pass."""
        for _ in range(rows):
            await self.audit.append(an_audit_event(at=self.clock.now()))
        self.grown.set()
        self.clock.advance(minutes=minutes)
        self.ticks += minutes * 60

    async def lose_its_tail(self, rows: int) -> None:
        """Put back what the database was before its last rows."""
        older = InMemoryAudit()
        for event in self.audit.events[:-rows]:
            await older.append(event)
        self.audit.rows, self.audit.events, self.audit._head = older.rows, older.events, older._head

    def signed(self) -> list[int]:
        return [head.sequence for head in self.heads.latest() if head]


@pytest.fixture
def scribe(tmp_path: Path) -> Scribe:
    return Scribe(tmp_path)


async def test_what_has_grown_is_signed_when_it_is_time_and_only_then(scribe: Scribe) -> None:
    await scribe.signing.tick()
    assert scribe.signed() == [], "of nothing there is no head"
    await scribe.live(rows=3, minutes=0)
    await scribe.signing.tick()
    assert scribe.signed() == [3], "the first is due at once"
    await scribe.live(rows=2, minutes=14)
    await scribe.signing.tick()
    assert scribe.signed() == [3]
    scribe.clock.advance(minutes=1)
    for _ in range(3):
        await scribe.signing.tick()
    assert scribe.signed() == [3, 5]
    scribe.clock.advance(minutes=60)
    await scribe.signing.tick()
    assert scribe.signed() == [3, 5], "nothing has happened since"
    assert collect_heads(scribe.heads.path.read_text(), KeyRing.of(scribe.key.public)).faults == ()


async def test_two_workers_over_one_file_sign_each_head_once(scribe: Scribe) -> None:
    other = Scribe(scribe.folder)
    other.audit, other.clock = scribe.audit, scribe.clock
    for _ in range(3):
        await scribe.live()
        await scribe.signing.tick()
        await other.signing.tick()
    assert scribe.signed() == [1, 2, 3]


async def broken(scribe: Scribe, deed: str) -> None:
    """Sign at rows 4 and 8, then do it."""
    for _ in range(2):
        await scribe.live(rows=4)
        await scribe.signing.tick()
    await scribe.live(rows=1)
    if deed == "cut tail":
        await scribe.lose_its_tail(2)
    elif deed == "restored":
        await scribe.lose_its_tail(5)
        await scribe.live(rows=8)
    elif deed == "recomputed":
        events, scribe.audit.rows, scribe.audit.events = scribe.audit.events, [], []
        scribe.audit._head = InMemoryAudit()._head
        for event in events:
            await scribe.audit.append(event.model_copy(update={"actor": "U0MALLORY"}))
    elif deed == "forged head":
        last = scribe.heads.latest()[-1]
        assert last is not None
        with scribe.heads.path.open("a") as file:
            file.write(last._replace(sequence=9, hash=scribe.audit.check().head.hash).as_json() + "\n")
    elif deed == "garbled file":
        with scribe.heads.path.open("a") as file:
            file.write("{}\n")


DEEDS = {
    "cut tail": "row 8 is missing at the end",
    "restored": "over an older copy of the database",
    "recomputed": "the chain was computed anew",
    "forged head": "it was forged",
    "garbled file": "is no signed head",
}


@pytest.mark.parametrize("deed", DEEDS)
async def test_the_bot_finds_it_by_itself_and_from_then_on_reads_only(scribe: Scribe, deed: str) -> None:
    await broken(scribe, deed)
    scribe.restart()
    signed = scribe.heads.path.read_text()
    assert DEEDS[deed] in await scribe.check.unfit()
    for _ in range(2):
        await scribe.live()
        await scribe.signing.tick()
    assert "not the one that was signed" in await scribe.check.unfit()
    assert scribe.heads.path.read_text() == signed, "what is at fault is not signed"
    assert scribe.audit.kinds.count("HistoryBroken") == scribe.audit.kinds.count("NeedsHuman") == 1
    (said,) = scribe.cards.said.values()
    assert said.startswith("🙋 A human has to look: the history is not the one that was signed.")


async def test_it_is_found_before_each_signing_too(scribe: Scribe) -> None:
    await broken(scribe, "cut tail")
    await scribe.signing.tick()
    assert scribe.signed() == [4, 8]
    assert "HistoryBroken" in scribe.audit.kinds


@pytest.mark.parametrize("deed", ["cut tail", "restored", "recomputed"])
async def test_a_bot_that_does_not_ask_for_its_heads_finds_nothing_and_signs_it(scribe: Scribe, deed: str) -> None:
    async def blind(noted: Sequence[Noted]) -> Verdict:
        return await scribe.look(())

    await broken(scribe, deed)
    scribe.watch._look = blind
    await scribe.live(rows=3)
    await scribe.signing.tick()
    assert await scribe.check.unfit() == ""
    assert len(scribe.signed()) == 3


async def test_a_bot_that_does_not_check_signatures_believes_whoever_owns_the_file(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broken(scribe, "forged head")
    monkeypatch.setattr(history_watch, "fault_of", lambda head, verifier: "")
    assert await scribe.check.unfit() == ""


async def test_a_folder_that_was_put_back_with_the_database_is_found_by_the_channel(scribe: Scribe) -> None:
    await scribe.live(rows=4)
    await scribe.signing.tick()
    await scribe.posting.tick()
    yesterday = scribe.heads.path.read_text()
    await scribe.live(rows=4)
    await scribe.signing.tick()
    await scribe.posting.tick()
    await scribe.lose_its_tail(4)
    scribe.heads.path.write_text(yesterday)
    scribe.restart()
    assert await scribe.check.unfit() == "", "file and rows agree"
    await scribe.posting.tick()
    scribe.ticks += 31
    await scribe.check.look_if_due()
    assert "rows 5 to 8 are missing at the end" in scribe.check.told()


async def test_a_history_that_was_ended_on_purpose_is_not_held_against_the_new_one(scribe: Scribe) -> None:
    await broken(scribe, "cut tail")
    scribe.posts = [head for head in scribe.heads.latest() if head]
    scribe.heads.path.rename(scribe.folder / "audit-heads.ended")
    scribe.restart()
    await scribe.live()
    await scribe.signing.tick()
    await scribe.posting.tick()
    scribe.restart()
    await scribe.posting.tick()
    assert await scribe.check.unfit() == ""


async def test_a_channel_that_fails_holds_nothing_up_and_gets_each_head_once_in_the_end(scribe: Scribe) -> None:
    await scribe.live()
    await scribe.signing.tick()
    await scribe.posting.tick()
    scribe.broken = True
    for _ in range(2):
        await scribe.live()
        await scribe.signing.tick()
        with pytest.raises(TransientError):
            await scribe.posting.tick()
    assert scribe.signed() == [1, 2, 3]
    scribe.broken = False
    scribe.restart()
    for _ in range(2):
        await scribe.posting.tick()
    assert [head.sequence for head in scribe.posts] == [1, 2, 3]


async def test_a_new_channel_is_not_told_of_the_past(scribe: Scribe) -> None:
    for _ in range(3):
        await scribe.live()
        await scribe.signing.tick()
    await scribe.posting.tick()
    assert [head.sequence for head in scribe.posts] == [3]


# In Slack.


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as stage:
        yield stage


async def lines_in(stage: Stage, channel: str) -> list[dict[str, object]]:
    return [message for message in await stage.history(channel=channel) if "watchkeeperhead1" in words(message)]


async def test_a_head_is_one_quiet_line_that_can_be_copied_out_again(stage: Stage, scribe: Scribe) -> None:
    await scribe.live()
    await scribe.signing.tick()
    (head,) = [each for each in scribe.heads.latest() if each]
    channel = AuditHeadLines(stage.client, "#ops")
    assert await channel.post(head)
    assert await AuditHeadLines(stage.client, "#ops").post(head), "a crash before the note was taken"
    (shown,) = await lines_in(stage, OPS)
    assert await channel.posted() == [head]
    copied = f"Watchkeeper  10:15\n{words(shown['blocks'])}"
    assert collect_heads(copied, KeyRing.of(scribe.key.public)) == ((head,), ())


async def test_a_line_that_slack_did_not_take_at_first_is_posted_once(stage: Stage, scribe: Scribe) -> None:
    await scribe.live()
    await scribe.signing.tick()
    (head,) = [each for each in scribe.heads.latest() if each]
    fault = {"name": "chat.postMessage", "status": 500, "times": 1}
    await stage.http.post("/control/faults", json={"method": fault})
    channel = AuditHeadLines(stage.client, "#incidents")
    channel._poster = Poster(stage.client, pauses=(0.01, 0.01))
    assert await channel.post(head)
    assert len(await lines_in(stage, INCIDENTS)) == 1
