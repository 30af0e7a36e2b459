"""The whole promise in a real browser: break the shop on the page, watch, be refused, countersign, undo."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from demo.stage import Stage, open_stage
from tests.demo.page.opened import open_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

PICTURES = os.environ.get("WATCHKEEPER_PICTURES")
"""A folder: the test leaves the README's screenshots there."""


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """The demo as `make demo` brings it up, on a free port."""
    async with open_stage(port=0, say=lambda text: None) as running:
        yield running


async def act_as(page: Page, user: str) -> None:
    await page.locator(f"#topbar [data-as={user}]").click()
    await expect(page.locator(f"#topbar [data-as={user}]")).to_have_attribute("aria-pressed", "true")


async def picture(page: Page, target: Page | Locator, name: str, *, tall: bool = False) -> None:
    """Leave a screenshot: nothing hovered, nothing still fading in; `tall` makes room for a card of any length."""
    if not PICTURES:
        return
    if tall:
        await page.set_viewport_size({"width": 1600, "height": 1700})
    await page.mouse.move(2, 400)
    await asyncio.sleep(0.8)
    if isinstance(target, Locator):
        await target.scroll_into_view_if_needed()
    await target.screenshot(path=Path(PICTURES) / f"{name}.png")
    await page.set_viewport_size({"width": 1600, "height": 1000})


async def ledger(stage: Stage) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{stage.shop.supervisor_url}/actions")).json()["actions"]


async def approve(page: Page, card: Locator) -> None:
    await card.locator("[data-action-id='approval.approve']").click()
    if await page.get_by_test_id("confirm-yes").count():
        await page.get_by_test_id("confirm-yes").click()


async def thread_of(page: Page, text: str) -> Locator:
    """Open the thread of the incident card that shows `text`; returns the thread pane."""
    card = page.locator("#conversation .message").filter(has_text=text).first
    await card.get_by_test_id("open-thread").click(timeout=20_000)
    return page.locator("#thread")


async def test_break_the_shop_watch_be_refused_countersign_and_undo(page: Page, stage: Stage) -> None:
    await page.set_viewport_size({"width": 1600, "height": 1000})
    await open_page(page, stage.workspace, **{"as": "U0BOB"})
    if PICTURES:
        await page.get_by_test_id("hints-close").click()
        await asyncio.sleep(25)  # so that the plots have a past

    # A fault is injected on the page, and within 15 seconds an incident card stands in #incidents.
    patient = page.frame_locator("iframe[title=Patient]")
    started = time.monotonic()
    await patient.get_by_role("listitem").filter(has_text="Bad deploy").get_by_role("button", name="Inject").click()
    incident = page.locator("#conversation .message").filter(has_text="checkout fails").first
    await expect(incident).to_contain_text("Incident", timeout=15_000)
    assert time.monotonic() - started < 15

    # Then evidence with the plot, the right cause, and a proposed rollback with its diff.
    thread = await thread_of(page, "checkout fails")
    report = thread.locator(".message").filter(has_text="Version 1.8.3 of checkout is faulty").first
    await expect(report).to_contain_text("rollback_deploy", timeout=20_000)
    await expect(thread.locator(".message img[alt*='failing requests' i]").first).to_be_visible(timeout=20_000)
    card = thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).first
    await expect(card).to_contain_text("-version: 1.8.3", timeout=20_000)
    await expect(card).to_contain_text("+version: 1.8.2")
    await card.scroll_into_view_if_needed()
    await picture(page, page, "incident")
    await picture(page, card, "approval", tall=True)

    # Whoever is not listed is refused, with the reason, and nothing runs.
    await approve(page, card)
    await expect(thread.locator(".message.ephemeral").last).to_contain_text("Only members of", timeout=10_000)
    await picture(page, page, "refused")
    assert await ledger(stage) == []

    # A listed approver clicks: it runs once, the alert resolves, the card says who, when and how it ended.
    await act_as(page, "U0ALICE")
    thread = await thread_of(page, "checkout fails")
    card = thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).first
    ts = await card.get_attribute("data-ts")
    await approve(page, card)
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
    await card.locator("[data-action-id='approval.undo']").click()
    if await page.get_by_test_id("confirm-yes").count():
        await page.get_by_test_id("confirm-yes").click()
    undo = thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).first
    await expect(undo).to_contain_text("This undoes request", timeout=15_000)
    await approve(page, undo)
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
