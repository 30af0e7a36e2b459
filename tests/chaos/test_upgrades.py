"""Row 48: a worker is stopped in good order with requests open, and another version of the graph takes its place."""

from pathlib import Path

import pytest

from tests.chaos.rig import Message, Rig, facts, open_rig, settle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]
EARLIER = ("today's graph",)


async def upgraded(rig: Rig, *without: str) -> tuple[Message, Message]:
    """Return the cards of a request that was approved after the upgrade and of one approved just before it, while the
    earlier version was going down; each in the end."""
    late = await rig.card(await rig.ask("restart shop01"), "pending")
    early = await rig.card(await rig.ask("scale shop02 to 3"), "pending")
    await settle(rig)
    assert await rig.click(early)
    await rig.roles.deploy("worker0", without)
    assert await rig.click(late)
    ended = [await rig.card(card["thread_ts"], "executed", "unknown", within=40) for card in (late, early)]
    await settle(rig)
    return ended[0], ended[1]


async def test_what_waits_or_is_being_done_while_the_program_is_replaced_is_done_once(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=EARLIER) as rig:
        for card in await upgraded(rig):
            assert facts(card)["status"] == "executed"
        assert len(rig.target.ledger) == 2
        assert await rig.violations() == []


async def test_going_back_to_the_earlier_version_loses_nothing_either(tmp_path: Path) -> None:
    async with open_rig(tmp_path) as rig:
        for card in await upgraded(rig, *EARLIER):
            assert facts(card)["status"] == "executed"
        assert len(rig.target.ledger) == 2
        assert await rig.violations() == []


async def test_twin_a_version_that_does_not_ask_who_began_a_run_drops_what_was_approved(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=EARLIER) as rig:
        late, _ = await upgraded(rig, "the graph's version")
        assert facts(late)["status"] == "unknown"
        assert "I5" in {each.invariant for each in await rig.violations()}
