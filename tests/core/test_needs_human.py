"""What the machine cannot go on with ends in front of a person: said once, written down once, seen on the card."""

import pytest

from core.approval import ApprovalStatus
from core.brief import Place
from core.services.endings import Endings
from core.services.needs_human import NeedsHuman
from core.tool_call import ToolResult
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import START, FakeClock
from tests.fakes.examples import a_request

PLACE = Place(channel="C0OPS", thread_ts="1700000000.000100")


class BrokenAudit(InMemoryAudit):
    """History that cannot be written the first time."""

    async def append(self, event: object) -> None:
        if not self.events:
            self.events.append(None)  # pyright: ignore[reportArgumentType]
            raise ConnectionError("the database is locked")
        self.events = [event]  # pyright: ignore[reportAttributeAccessIssue]

    async def of_subject(self, subject: str) -> list[object]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return [event for event in self.events if event is not None]


async def test_a_human_is_told_once_for_each_key() -> None:
    cards, audit = RecordingCards(), InMemoryAudit()
    human = NeedsHuman(cards, audit, FakeClock())
    for key in ("a", "a", "b"):
        await human.tell(PLACE, "the job failed", "Look at the log.", "INC-1", key)
    assert cards.said == dict.fromkeys(("a", "b"), "🙋 A human has to look: the job failed. Look at the log.")
    assert [(event.kind, event.subject, event.details["key"]) for event in audit.events] == [
        ("NeedsHuman", "INC-1", "a"),
        ("NeedsHuman", "INC-1", "b"),
    ]
    assert cards.shown[-1] == ("incident", "INC-1")


async def test_telling_again_mends_a_crash_between_the_sentence_and_the_history() -> None:
    cards, audit = RecordingCards(), BrokenAudit()
    human = NeedsHuman(cards, audit, FakeClock())
    with pytest.raises(ConnectionError):
        await human.tell(PLACE, "the job failed", "Why.", None, "a")
    await human.tell(PLACE, "the job failed", "Why.", None, "a")
    assert (len(cards.said), len(audit.events)) == (1, 1)


async def test_without_a_thread_the_history_alone_has_it() -> None:
    cards, audit = RecordingCards(), InMemoryAudit()
    await NeedsHuman(cards, audit, FakeClock()).tell(
        Place(channel="", thread_ts=""), "a message is lost", "Why.", None, "a"
    )
    assert (cards.said, audit.kinds) == ({}, ["NeedsHuman"])


@pytest.mark.parametrize(
    ("result", "rollback_of", "ends_as", "called"),
    [
        ("ok", None, ApprovalStatus.EXECUTED, False),
        ("failed", None, ApprovalStatus.FAILED, False),
        ("refused", None, ApprovalStatus.NOT_RUN, False),
        ("unknown", None, ApprovalStatus.UNKNOWN, True),
        ("ok", "apr_0", ApprovalStatus.EXECUTED, False),
        ("failed", "apr_0", ApprovalStatus.ROLLBACK_FAILED, True),
        ("refused", "apr_0", ApprovalStatus.NOT_RUN, True),
        ("unknown", "apr_0", ApprovalStatus.UNKNOWN, True),
    ],
)
async def test_a_human_is_called_for_what_is_unknown_and_for_an_undo_that_did_not_come_about(
    result: str, rollback_of: str | None, ends_as: ApprovalStatus, called: bool
) -> None:
    approvals, cards, audit = InMemoryApprovals(), RecordingCards(), InMemoryAudit()
    row = await approvals.create(a_request(rollback_of=rollback_of))
    await approvals.claim(row.id, digest=row.digest, status=ApprovalStatus.APPROVED, now=START, execute_by=None)
    for _ in range(2):
        await Endings(approvals, cards, audit, FakeClock()).close(
            row, ToolResult.model_validate({"status": result, "text": "Because."})
        )
    assert (await approvals.load(row.id)).status is ends_as
    loud = 1 if ends_as is ApprovalStatus.ROLLBACK_FAILED else 0
    assert audit.kinds == ["RollbackFailed"] * loud + ["NeedsHuman"] * called
    assert len(cards.said) == loud + called
