"""A request that nobody decides in time, on the page: it says so, and asks again by one click."""

from pathlib import Path

import pytest
import yaml
from playwright.async_api import Page, expect

from demo.stage import ROOT, open_stage
from tests.demo.page.opened import open_page
from tests.demo.page.walking import inject, ledger, picture, press, thread_of, waiting

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]


async def test_an_expired_request_says_so_and_is_asked_again_by_one_click(page: Page, tmp_path: Path) -> None:
    policy = yaml.safe_load((ROOT / "demo" / "policy.yaml").read_text())
    for rule in policy["rules"]:
        rule.pop("remind", None)
        if rule["effect"] == "approve":
            rule["decide_within"] = "12s"
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    hurried = {"POLICY_FILE": str(tmp_path / "policy.yaml")}
    async with open_stage(port=0, say=lambda text: None, extra=hurried) as stage:
        await page.set_viewport_size({"width": 1600, "height": 1000})
        await open_page(page, stage.workspace)
        await inject(page, "Wrong setting")
        thread = await thread_of(page, "Approval needed")
        card = waiting(page, thread)
        await expect(card).to_contain_text("set_config", timeout=20_000)
        card = thread.locator(f".message[data-ts='{await card.get_attribute('data-ts')}']")
        await expect(card).to_contain_text("Expired", timeout=30_000)
        await picture(page, card, "expired", tall=True)
        await press(page, card, "approval.ask_again")
        await expect(waiting(page, thread)).to_contain_text("Asked again", timeout=10_000)
        await picture(page, waiting(page, thread), "asked_again", tall=True)
        assert await ledger(stage) == []
