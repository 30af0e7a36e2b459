"""A run that another worker finishes: what the first one still had to say comes too late."""

from datetime import timedelta

import pytest

from bot.cards import SlackCards
from tests.bot.stage import open_stage, words
from tests.bot.test_cards_posting import a_brief, a_drawn_report, a_row, replies
from tests.fakes.waiting import wait_until


@pytest.mark.parametrize("looks", [True, False])
async def test_progress_of_a_worker_that_lost_its_run_does_not_replace_the_report(
    looks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def looked_away(self: SlackCards, report_id: str) -> bool:
        return False

    if not looks:
        monkeypatch.setattr(SlackCards, "_has_report", looked_away)
    async with open_stage() as stage:
        row = await a_row(stage)
        brief = a_brief(stage, row)
        one, other = stage.cards(pace=timedelta(seconds=0.3)), stage.cards()
        for step in ("first", "second"):
            await one.show_progress(brief, [step], [])
        later = next(iter(one._progress._states.values())).later
        await stage.reports.save(a_drawn_report(stage).model_copy(update={"evidence": ()}))
        await other.show_report("rep_1", brief.place)
        assert later is not None
        await wait_until(later.done)
        [message] = await replies(stage, row)
        assert ("The last deploy broke checkout" in words(message)) is looks
