"""A real browser on a real workspace; skips with one line where there is no Chromium."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from demo.slack import LocalWorkspace

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
WAIT_MS = 5000


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One headless Chromium for all browser tests."""
    found = str(CHROMIUM) if CHROMIUM.exists() else shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: browser tests are skipped")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield launched
        await launched.close()


@pytest_asyncio.fixture(loop_scope="session")
async def workspace() -> AsyncIterator[LocalWorkspace]:
    """A fresh workspace on a free port."""
    async with LocalWorkspace(port=0) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, workspace: LocalWorkspace) -> AsyncIterator[Page]:
    """An empty tab whose script errors fail the test; it closes before the workspace does."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    tab = await context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    await context.close()
    assert not problems, problems
