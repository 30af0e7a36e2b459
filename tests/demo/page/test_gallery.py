"""Every block is drawn, named and readable in both themes."""

import pytest
from playwright.async_api import Page, expect

from demo.slack import LocalWorkspace

from .gallery import MESSAGES
from .opened import open_page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NAMELESS = """() => [...document.querySelectorAll('button, input, select, textarea, a[href], iframe, [role=tab]')]
  .filter((node) => !node.closest('[hidden]'))
  .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || node.title || (node.labels && node.labels.length)))
  .map((node) => node.outerHTML.slice(0, 120))"""

POOR_CONTRAST = """() => {
  const parse = (color) => { const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ground = (node) => { for (let at = node; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c[3] === 1) return c; }
    return [255, 255, 255, 1]; };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (node.closest('.emoji, .sr-only, [disabled], script, noscript, .skip')) continue;
    const style = getComputedStyle(node);
    const [a, b] = [light(parse(style.color)), light(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.add(`${node.className || node.localName} ${style.color} ${ratio.toFixed(2)} ${walker.currentNode.textContent.slice(0, 20)}`);
  }
  return [...poor];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_block_of_the_gallery_is_drawn_named_and_readable(scheme: str, page: Page, workspace: LocalWorkspace) -> None:
    for message in MESSAGES:
        answer = await workspace.post("bot_post", message, channel="C0OPS")
        assert answer["ok"], answer
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await open_page(page, workspace, channel="C0OPS")
    await expect(page.locator("#conversation .message")).to_have_count(len(MESSAGES))
    assert await page.locator(".unknown-block, .unknown").count() == 0
    kinds = await page.evaluate("[...new Set([...document.querySelectorAll('[data-block-type]')].map((n) => n.dataset.blockType))].sort()")
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
