"""A real browser on a real workspace; skips with one line where there is no Chromium."""

import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

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
WAIT_MS = 15_000
expect.set_options(timeout=WAIT_MS)


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


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """One browser profile, so that the page's files are fetched once and not once a test."""
    shared = await browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    shared.set_default_timeout(WAIT_MS)
    await shared.add_init_script("localStorage.clear()")
    yield shared
    await shared.close()


@pytest.fixture(scope="session")
def port() -> int:
    """A free port that all workspaces of the run use in turn: the browser's cache knows files by address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest_asyncio.fixture(loop_scope="session")
async def workspace(port: int) -> AsyncIterator[LocalWorkspace]:
    """A fresh workspace."""
    async with LocalWorkspace(port=port) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, workspace: LocalWorkspace) -> AsyncIterator[Page]:
    """An empty tab whose script errors fail the test; it closes before the workspace does."""
    tab = await context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    await context.set_offline(False)
    await tab.close()
    assert not problems, problems
