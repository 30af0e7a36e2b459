"""What a person does on the page, and a picture of what they saw where a folder was named for it."""

import asyncio
import os
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Locator, Page, expect

from demo.stage import Stage

PICTURES = os.environ.get("WATCHKEEPER_PICTURES")
"""A folder: `WATCHKEEPER_PICTURES=pictures pytest tests/demo/page -m "browser or slow" -k "story or expired"` leaves
screenshots of the card in every state there, with its forms, its refusals and App Home."""


async def act_as(page: Page, user: str) -> None:
    """Go on as somebody else."""
    await page.locator(f"#topbar [data-as={user}]").click()
    await expect(page.locator(f"#topbar [data-as={user}]")).to_have_attribute("aria-pressed", "true")


async def picture(page: Page, target: Page | Locator, name: str, *, tall: bool = False) -> None:
    """Leave a screenshot: nothing hovered, nothing still fading in; `tall` makes room for a card of any length."""
    if not PICTURES:
        return
    Path(PICTURES).mkdir(parents=True, exist_ok=True)
    if tall:
        await page.set_viewport_size({"width": 1600, "height": 1700})
    await page.mouse.move(2, 400)
    await asyncio.sleep(0.8)
    if isinstance(target, Locator):
        await target.scroll_into_view_if_needed()
    await target.screenshot(path=Path(PICTURES) / f"{name}.png")
    await page.set_viewport_size({"width": 1600, "height": 1000})


async def ledger(stage: Stage) -> list[dict[str, Any]]:
    """Return what the shop's supervisor says was done to it."""
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{stage.shop.supervisor_url}/actions")).json()["actions"]


async def press(page: Page, card: Locator, action_id: str) -> None:
    """Press a card's button, and say yes where that is asked."""
    await card.locator(f"[data-action-id='{action_id}']").click()
    if await page.get_by_test_id("confirm-yes").count():
        await page.get_by_test_id("confirm-yes").click()


async def inject(page: Page, fault: str) -> None:
    """Break the shop."""
    patient = page.frame_locator("iframe[title=Patient]")
    await patient.get_by_role("listitem").filter(has_text=fault).get_by_role("button", name="Inject").click()


async def thread_of(page: Page, text: str) -> Locator:
    """Open the thread of the incident card that shows `text`; returns the thread pane."""
    card = page.locator("#conversation .message").filter(has_text=text).first
    await card.get_by_test_id("open-thread").click(timeout=20_000)
    return page.locator("#thread")


def waiting(page: Page, thread: Locator) -> Locator:
    """Return the thread's last card that can be approved."""
    return thread.locator(".message").filter(has=page.locator("[data-action-id='approval.approve']")).last
