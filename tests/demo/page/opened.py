"""Opens the page at a place and waits until it stands."""

from playwright.async_api import Page, expect

from demo.slack import LocalWorkspace

INCIDENTS = "C0INCIDENTS"
ALICE = "U0ALICE"


async def open_page(page: Page, ws: LocalWorkspace, **place: str) -> None:
    """Go to /?as=…&channel=… (Alice in #incidents unless told otherwise) and wait for the live line."""
    query = "&".join(f"{key}={value}" for key, value in ({"as": ALICE, "channel": INCIDENTS} | place).items())
    await page.goto(f"{ws.url}/?{query}")
    await page.wait_for_selector("body[data-ready=true]")
    await expect(page.get_by_test_id("live-state")).to_have_text("Live")
