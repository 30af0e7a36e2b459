"""A plan's card lists its steps with how each stands, and says before the approval what it is for."""

import pytest

from bot.blocks.approval_card import ApprovalFacts, build_approval_card
from core.stepped_plan import as_whole
from tests.bot.stage import words
from tests.graphs.world import approval_of
from tests.steps.stage import THREE, Stage, restart


async def card_of(stage: Stage, attempt: int = 1) -> str:
    request, rows = await stage.approvals.load(approval_of(attempt=attempt)), await stage.rows()
    return words(build_approval_card(as_whole(request, rows), ApprovalFacts(rows=tuple(rows))))


async def test_before_the_approval_every_call_stands_there_and_what_one_approval_covers() -> None:
    stage = Stage()
    await stage.propose(THREE[0], restart("checkout"), THREE[2])
    card = await card_of(stage)
    for exact in ("step 1: scale_workers", "step 2: restart_service", '"checkout"', "workers: 5"):
        assert exact in card
    for said in ("for all 3 steps", "without another approval", "Step 2 cannot be undone", "waiting for approval"):
        assert said in card
    assert "Edit" not in card


async def test_step_by_step_the_card_says_that_it_is_for_one_step_only() -> None:
    stage = Stage(steps="each")
    await stage.propose(*THREE)
    assert "for step 1 only" in await card_of(stage)


@pytest.mark.parametrize(
    ("refuses", "title", "states"),
    [
        (set[str](), "✅ Executed", ["✅ done", "✅ done", "✅ done"]),
        ({"scale_workers front"}, "↩️ Rolled back", ["↩️ rolled back", "↩️ rolled back", "❌ failed"]),
        ({"scale_workers checkout"}, "↩️ Rolled back", ["↩️ rolled back", "❌ failed", "🚫 not run"]),
        (
            {"scale_workers front", "scale_workers checkout 4"},
            "🚨 ROLLBACK FAILED",
            ["✅ done", "✅ done, 🚨 its undo failed", "❌ failed"],
        ),
    ],
)
async def test_afterwards_the_card_says_of_each_step_how_it_stands(
    refuses: set[str], title: str, states: list[str]
) -> None:
    stage = Stage()
    stage.target.refuses |= refuses
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    card = await card_of(stage)
    assert title in card
    for number, state in enumerate(states, 1):
        assert f"{number}. {state}: " in card
    assert ("What stands: step 1" in card) == ("FAILED" in title)


async def test_a_plan_that_a_freeze_has_stopped_says_how_far_it_came_and_asks_again_from_there() -> None:
    stage = Stage()
    stage.target.on_act = lambda call: setattr(stage, "is_frozen", True)
    await stage.propose(*THREE)
    await stage.approve()
    await stage.run()
    rows = await stage.rows()
    blocks = build_approval_card(as_whole(rows[0], rows), ApprovalFacts(rows=tuple(rows)))
    assert "Stopped by the freeze" in words(blocks)
    assert "stopped on its way" in words(blocks)
    [again] = [each for block in blocks for each in block.get("elements", []) if "again" in str(each.get("action_id"))]
    assert again["value"] == rows[1].id
