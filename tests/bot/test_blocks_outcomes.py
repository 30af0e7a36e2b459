"""Every way a request can end has a word, a mark and a sentence of its own, wherever people read of it."""

import pytest

from bot.blocks.approval_card import ApprovalFacts, approval_text, build_approval_card
from bot.blocks.wording import STATUS_SENTENCES, STATUS_SIGNS, STATUS_TITLES
from core.approval import NOTHING_RAN, ApprovalStatus
from core.decided import said_of
from core.refusal import FROZEN, RAN_OUT, SUPERSEDED, end_of, spoken
from tests.bot.stage import words
from tests.fakes.examples import a_request


def test_no_two_outcomes_share_a_word_a_mark_or_a_sentence() -> None:
    for said in (STATUS_TITLES, STATUS_SIGNS, STATUS_SENTENCES):
        assert set(said) == set(ApprovalStatus)
        assert len(set(said.values())) == len(ApprovalStatus)
    assert len({said_of(status) for status in ApprovalStatus}) == len(ApprovalStatus)


@pytest.mark.parametrize("status", list(ApprovalStatus))
def test_card_and_notification_say_which_it_is(status: ApprovalStatus) -> None:
    request = a_request(status=status)
    card = words(build_approval_card(request, ApprovalFacts()))
    assert f"{STATUS_SIGNS[status]} {STATUS_TITLES[status]}" in card
    assert STATUS_TITLES[status] in approval_text(request)
    if status is not ApprovalStatus.PENDING:
        assert STATUS_SENTENCES[status] in card
    if status in NOTHING_RAN:
        assert "nothing was run" in card


@pytest.mark.parametrize(
    ("text", "end", "read"),
    [
        ("nothing ran: frozen: the freeze switch is on", ApprovalStatus.FROZEN, "The freeze switch is on"),
        (f"{FROZEN}the freeze switch is on", ApprovalStatus.FROZEN, "The freeze switch is on"),
        (f"{RAN_OUT}too late", ApprovalStatus.RAN_OUT, "Too late"),
        (f"{SUPERSEDED}its target has changed", ApprovalStatus.SUPERSEDED, "Its target has changed"),
        ("I only read at the moment", ApprovalStatus.NOT_RUN, "I only read at the moment"),
    ],
)
def test_what_stopped_an_approved_request_gives_it_its_name(text: str, end: ApprovalStatus, read: str) -> None:
    assert end_of(text) is end
    assert spoken(text) == read
