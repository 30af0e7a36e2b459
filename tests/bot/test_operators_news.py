"""What concerns whoever runs the bot stands where operators read, whatever thread it began in."""

from bot.blocks.approval_card import ApprovalFacts, build_approval_card
from core.approval import ApprovalStatus
from core.brief import Place
from tests.bot.stage import buttons, open_stage, words
from tests.fakes.examples import a_request


async def test_a_sentence_without_a_place_is_said_once_in_the_channel_of_incidents() -> None:
    async with open_stage() as stage:
        for cards in (stage.cards(), stage.cards()):
            await cards.say(Place(channel="", thread_ts=""), "The stored request was changed.", key="apr_1:tampered")
        said = [words(message) for message in await stage.history()]
        assert len([text for text in said if "The stored request was changed." in text]) == 1


def test_the_card_of_a_tampered_request_warns_of_itself_and_offers_nothing() -> None:
    blocks = build_approval_card(a_request(status=ApprovalStatus.TAMPERED), ApprovalFacts())
    assert "Stopped, changed outside Watchkeeper" in words(blocks)
    assert "Do not trust what this card shows" in words(blocks)
    assert buttons({"blocks": blocks}) == ["Details"]
