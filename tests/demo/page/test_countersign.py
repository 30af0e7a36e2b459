"""The demo's story clicked through as the page tells it: an edit, a refusal, two signatures, one effect, an undo."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from demo.guide import STORY
from demo.stage import Stage, open_stage
from tests.demo.page.opened import open_page
from tests.demo.page.walking import act_as, inject, ledger, picture, press, thread_of, waiting

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """The demo as `make demo` brings it up, on a free port."""
    async with open_stage(port=0, say=lambda text: None) as running:
        yield running


async def told(page: Page, number: int) -> None:
    """The page says that this step is due."""
    await expect(page.get_by_test_id("story")).to_contain_text(f"Step {number} of {len(STORY)}", timeout=20_000)


async def edit(page: Page, card: Locator, workers: int) -> None:
    await press(page, card, "approval.edit")
    form = page.get_by_test_id("view")
    await expect(form).to_be_visible(timeout=10_000)
    await form.locator("[data-block-id='argument.workers'] input").fill(str(workers))
    await form.locator("[data-block-id='note'] textarea").fill("Four would leave nothing to spare.")
    await picture(page, page, "edit_form")
    await page.get_by_test_id("view-submit").click()
    await expect(form).to_be_hidden(timeout=10_000)


async def test_the_story_that_the_page_tells_can_be_clicked_through(page: Page, stage: Stage) -> None:
    await page.set_viewport_size({"width": 1600, "height": 1000})
    await open_page(page, stage.workspace)
    await told(page, 1)
    await picture(page, page, "step_1")
    await inject(page, "Slow payments")
    await told(page, 2)

    # The proposal needs two groups; Alice asks for more than it proposes, which is a request of its own.
    # Whichever incident it is that has asked: both are investigated, and the first to find the cause does.
    thread = await thread_of(page, "Approval needed")
    card = waiting(page, thread)
    await expect(card).to_contain_text("1 of sre and 1 of payments", timeout=20_000)
    await expect(card).to_contain_text("workers: 4")
    await picture(page, card, "card", tall=True)
    await picture(page, page, "step_2")
    await press(page, card, "approval.details")
    await expect(page.get_by_test_id("view")).to_contain_text("Digest")
    await picture(page, page, "details")
    await page.get_by_test_id("view-close").click()
    await edit(page, card, 6)
    await told(page, 3)
    card = waiting(page, thread)
    await expect(card).to_contain_text("workers: 6", timeout=10_000)
    await picture(page, page, "edited")

    # Whoever asked may not sign, nor may an outsider.
    await press(page, card, "approval.approve")
    await expect(thread.locator(".message.ephemeral").last).to_contain_text("began with you", timeout=10_000)
    await told(page, 4)
    await picture(page, page, "refused_own")
    await act_as(page, "U0BOB")
    await press(page, waiting(page, thread), "approval.approve")
    await expect(thread.locator(".message.ephemeral").last).to_contain_text("Only members of", timeout=10_000)
    await picture(page, page, "refused_outsider")
    assert await ledger(stage) == []

    # One signature is not enough; the other group's makes it run, once.
    await act_as(page, "U0CAROL")
    await press(page, waiting(page, thread), "approval.approve")
    await told(page, 5)
    await expect(waiting(page, thread)).to_contain_text("1 of 2")
    await picture(page, waiting(page, thread), "one_of_two", tall=True)
    assert await ledger(stage) == []
    await act_as(page, "U0DANA")
    card = waiting(page, thread)
    ts = await card.get_attribute("data-ts")
    await press(page, card, "approval.approve")
    card = thread.locator(f".message[data-ts='{ts}']")
    await expect(card).to_contain_text("Executed", timeout=20_000)
    await told(page, 6)
    assert [(each["operation"], each["args"]) for each in await ledger(stage)] == [("scale", {"workers": 6})]
    await picture(page, card, "executed", tall=True)

    # Undo is asked for like any other change; the card of what it undid says so in the end.
    await act_as(page, "U0CAROL")
    await press(page, card, "approval.undo")
    await told(page, 7)
    undo = waiting(page, thread)
    await expect(undo).to_contain_text("This undoes", timeout=10_000)
    await picture(page, undo, "undo", tall=True)
    await act_as(page, "U0ALICE")
    await press(page, undo, "approval.approve")
    await expect(undo).to_contain_text("1 of 2", timeout=10_000)
    await app_home(page, "U0DANA")
    await open_page(page, stage.workspace, **{"as": "U0DANA"})
    thread = await thread_of(page, "scale_workers on payments")
    await press(page, waiting(page, thread), "approval.approve")
    await expect(page.get_by_test_id("story")).to_contain_text("That was the round", timeout=20_000)
    card = thread.locator(f".message[data-ts='{ts}']")
    await expect(card).to_contain_text("Rolled back", timeout=20_000)
    await picture(page, card, "undone", tall=True)
    assert [each["args"] for each in await ledger(stage)] == [{"workers": 6}, {"workers": 2}]


async def app_home(page: Page, person: str) -> None:
    """Look at what waits for somebody."""
    await act_as(page, person)
    await page.locator("#sidebar [data-app=A0WATCH]").click()
    await expect(page.locator("body")).to_contain_text("Waiting for you (1)", timeout=10_000)
    await picture(page, page, "app_home")
