"""The whole promise in a real browser: break the shop on the page, watch, be refused, countersign, undo."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from demo.stage import Stage, open_stage
from tests.demo.page.opened import open_page
from tests.demo.page.walking import PICTURES, act_as, inject, ledger, picture, press, thread_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """The demo as `make demo` brings it up, on a free port."""
    async with open_stage(port=0, say=lambda text: None) as running:
        yield running


async def test_break_the_shop_watch_be_refused_countersign_and_undo(page: Page, stage: Stage) -> None:
    await page.set_viewport_size({"width": 1600, "height": 1000})
    await open_page(page, stage.workspace, **{"as": "U0BOB"})
    if PICTURES:
        await page.get_by_test_id("hints-close").click()
        await asyncio.sleep(25)  # so that the plots have a past

    # A fault is injected on the page, and within 15 seconds an incident card stands in #incidents.
    started = time.monotonic()
    await inject(page, "Bad deploy")
    incident = page.locator("#conversation .message").filter(has_text="checkout fails").first
    await expect(incident).to_contain_text("Incident", timeout=15_000)
    assert time.monotonic() - started < 15

    # Then evidence with the plot, the right cause, and a proposed rollback with its diff, where it is asked for: in the
    # thread of the customers' alert, should that fire first.
    thread = await thread_of(page, "Approval needed")
    report = thread.locator(".message").filter(has_text="Possible causes").first
    await expect(report).to_contain_text("Version 1.8.3 of checkout is faulty", timeout=20_000)
    await expect(report).to_contain_text("rollback_deploy", timeout=20_000)
    await expect(thread.locator(".message img[alt*='failing requests' i]").first).to_be_visible(timeout=20_000)
    card = thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).first
    await expect(card).to_contain_text("-version: 1.8.3", timeout=20_000)
    await expect(card).to_contain_text("+version: 1.8.2")
    await card.scroll_into_view_if_needed()
    await picture(page, page, "incident")
    await picture(page, card, "approval", tall=True)

    # Whoever is not listed is refused, with the reason, and nothing runs.
    await press(page, card, "approval.approve")
    await expect(thread.locator(".message.ephemeral").last).to_contain_text("Only members of", timeout=10_000)
    await picture(page, page, "refused")
    assert await ledger(stage) == []

    # A listed approver clicks: it runs once, the alert resolves, the card says who, when and how it ended.
    await act_as(page, "U0ALICE")
    thread = await thread_of(page, "Approval needed")
    card = thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).first
    ts = await card.get_attribute("data-ts")
    await press(page, card, "approval.approve")
    card = thread.locator(f".message[data-ts='{ts}']")
    await expect(card).to_contain_text("Executed", timeout=20_000)
    await expect(card).to_contain_text("Alice")
    await expect(card.locator("[data-action-id='approval.approve']")).to_have_count(0)
    incident = page.locator("#conversation .message").filter(has_text="checkout fails").first
    await expect(incident).to_contain_text("Resolved", timeout=30_000)
    await expect(card.locator("[data-action-id='approval.undo']")).to_be_visible()
    await card.scroll_into_view_if_needed()
    await picture(page, page, "executed")
    actions = await ledger(stage)
    assert [(action["service"], action["operation"]) for action in actions] == [("checkout", "rollback")]

    # The undo is a request of its own, which whoever asked for it cannot countersign.
    await press(page, card, "approval.undo")
    undo = thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).first
    await expect(undo).to_contain_text("This undoes", timeout=15_000)
    await press(page, undo, "approval.approve")
    await expect(thread.locator(".message.ephemeral").last).to_contain_text("somebody else has to decide")
    assert len(await ledger(stage)) == 1

    # The timeline keeps it all.
    link = await incident.get_by_role("link", name="Timeline").get_attribute("href")
    assert link
    timeline = await page.context.new_page()
    await timeline.set_viewport_size({"width": 1280, "height": 1000})
    await timeline.goto(link)
    await expect(timeline.locator("body")).to_contain_text("rollback_deploy")
    await picture(timeline, timeline, "timeline")
