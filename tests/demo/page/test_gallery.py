"""Every block is drawn, named and readable in both themes."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from demo.slack import LocalWorkspace

from .gallery import MESSAGES
from .opened import open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

HERE = Path(__file__).parent
NAMELESS = (HERE / "find_nameless_controls.js").read_text()

POOR_CONTRAST = (HERE / "find_poor_contrast.js").read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_block_of_the_gallery_is_drawn_named_and_readable(
    scheme: str, page: Page, workspace: LocalWorkspace
) -> None:
    for message in MESSAGES:
        answer = await workspace.post("bot_post", message, channel="C0OPS")
        assert answer["ok"], answer
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await open_page(page, workspace, channel="C0OPS")
    await expect(page.locator("#conversation .message")).to_have_count(len(MESSAGES))
    assert await page.locator(".unknown-block, .unknown").count() == 0
    kinds = await page.evaluate(
        "[...new Set([...document.querySelectorAll('[data-block-type]')].map((n) => n.dataset.blockType))].sort()"
    )
    wanted = "actions context context_actions divider header markdown plan rich_text section table task_card"
    assert kinds == wanted.split()
    assert await page.evaluate(NAMELESS) == []
    assert await page.evaluate(POOR_CONTRAST) == []


async def test_the_contrast_check_notices_pale_text(page: Page, workspace: LocalWorkspace) -> None:
    await open_page(page, workspace)
    await page.evaluate("document.querySelector('h1').style.color = 'rgb(180, 180, 180)'")
    assert any("pane-title" in line for line in await page.evaluate(POOR_CONTRAST))


async def test_the_theme_button_overrides_the_system(page: Page, workspace: LocalWorkspace) -> None:
    await page.emulate_media(color_scheme="light")
    await open_page(page, workspace)
    toggle = page.get_by_test_id("theme-toggle")
    await toggle.click()
    await toggle.click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.locator("body")).to_have_css("background-color", "rgb(20, 24, 30)")


async def test_hints_of_a_panel_are_shown_until_they_are_closed(page: Page, workspace: LocalWorkspace) -> None:
    panel = {
        "title": "Shop",
        "url": f"{workspace.url}/page/icon.svg",
        "hints": ["Break *something*.", "Watch.", "Approve."],
    }
    workspace.workspace.panels.append(panel)
    await open_page(page, workspace)
    hints = page.locator("#hints")
    await expect(hints.get_by_role("listitem")).to_have_count(3)
    await expect(page.locator("#drawer")).to_be_hidden()
    await page.get_by_test_id("drawer-toggle").click()
    await expect(page.locator("#drawer iframe")).to_have_attribute("title", "Shop")
    await page.get_by_test_id("hints-close").click()
    await expect(hints).to_be_hidden()
