"""Who may decide is what Slack says now, not what it said a minute ago."""

from collections.abc import AsyncIterator

import pytest

from bot.directory import SlackDirectory
from core.errors import NoDataError, TransientError
from tests.bot.stage import ALICE, CAROL, DAVE, Stage, open_stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


async def test_members_may_decide_and_bots_and_guests_may_not(stage: Stage) -> None:
    directory = SlackDirectory(stage.client, stage.clock)
    alice, dave, bot = [await directory.person(each) for each in (ALICE, DAVE, "U0WATCH")]
    assert alice.may_decide
    assert alice.name == "Alice Moreno"
    assert dave.is_guest
    assert not dave.may_decide
    assert bot.is_bot
    assert not bot.may_decide


async def test_people_of_other_workspaces_may_not_decide(stage: Stage) -> None:
    directory = SlackDirectory(stage.client, stage.clock)
    directory._team = "T0OTHER"
    assert (await directory.person(ALICE)).is_outsider


async def test_groups_and_people_are_looked_up_together(stage: Stage) -> None:
    directory = SlackDirectory(stage.client, stage.clock)
    assert await directory.members(("S0SRE", DAVE)) == {ALICE, CAROL, DAVE}


async def test_a_group_that_does_not_exist_has_no_members(stage: Stage) -> None:
    assert await SlackDirectory(stage.client, stage.clock).members(("S0NOBODY",)) == frozenset()


async def test_an_unknown_person_is_no_data(stage: Stage) -> None:
    with pytest.raises(NoDataError):
        await SlackDirectory(stage.client, stage.clock).person("U0NOBODY")


async def test_a_right_that_was_taken_away_is_gone_within_a_minute(stage: Stage) -> None:
    directory = SlackDirectory(stage.client, stage.clock)
    assert ALICE in await directory.members(("S0SRE",))
    stage.ws.workspace.state.usergroups["S0SRE"]["users"].remove(ALICE)
    assert ALICE in await directory.members(("S0SRE",))
    stage.clock.advance(seconds=60)
    assert ALICE not in await directory.members(("S0SRE",))


async def test_slack_not_answering_is_worth_another_try_and_nobody_is_let_in(stage: Stage) -> None:
    fault = {"name": "usergroups.users.list", "status": 500, "times": 9}
    await stage.http.post("/control/faults", json={"method": fault})
    with pytest.raises(TransientError):
        await SlackDirectory(stage.client, stage.clock).members(("S0SRE",))
