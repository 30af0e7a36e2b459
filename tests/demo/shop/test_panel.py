"""The panel: its routes, and the page at the width it has beside the conversation."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect
from starlette.applications import Starlette
from starlette.routing import Mount

from demo.shop.embedded import serving
from demo.shop.panel.app import build_panel_app
from demo.shop.shop import Shop

pytestmark = pytest.mark.asyncio(loop_scope="session")
CHROMIUM = Path("/usr/bin/chromium")
WIDTH = 380


@pytest_asyncio.fixture(loop_scope="session")
async def panel_url(shop: Shop) -> AsyncIterator[str]:
    """The panel where the demonstration has it: mounted below another application."""
    async with serving(Starlette(routes=[Mount("/patient", build_panel_app(shop))]), "127.0.0.1") as url:
        yield f"{url}/patient/"


@pytest_asyncio.fixture(loop_scope="session")
async def client(panel_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=panel_url, timeout=10) as one:
        yield one


async def test_a_fault_is_injected_and_healed_through_the_panel(client: httpx.AsyncClient) -> None:
    faults = (await client.get("faults")).json()["faults"]
    assert len(faults) == 8
    assert all(set(fault) == {"name", "title", "description", "service", "active", "expected"} for fault in faults)
    assert not any(fault["active"] for fault in faults)
    after = (await client.post("faults/wrong_config")).json()["faults"]
    assert [fault["name"] for fault in after if fault["active"]] == ["wrong_config"]
    assert not any(fault["active"] for fault in (await client.delete("faults")).json()["faults"])
    assert (await client.post("faults/earthquake")).status_code == 404


async def test_status_and_series_tell_of_every_service(client: httpx.AsyncClient) -> None:
    services = (await client.get("status")).json()["services"]
    assert [service["name"] for service in services] == ["front", "checkout", "payments"]
    assert all(service["health"]["status"] in ("ok", "degraded", "failing") for service in services)
    series = (await client.get("series")).json()
    assert set(series["services"]) == {"front", "checkout", "payments"}
    for lines in series["services"].values():
        assert {len(line) for line in lines.values()} == {len(series["times"])}


async def test_the_supervisor_knows_nothing_of_faults(supervisor: httpx.AsyncClient) -> None:
    for path in ("/faults", "/patient/faults", "/faults/bad_deploy"):
        assert (await supervisor.post(path)).status_code in (404, 405)
        assert (await supervisor.get(path)).status_code == 404


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_fits_beside_the_conversation_and_works_by_keyboard(panel_url: str, scheme: str) -> None:
    found = str(CHROMIUM) if CHROMIUM.exists() else shutil.which("chromium")
    if not found:
        pytest.skip("no Chromium here: browser tests are skipped")
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": WIDTH, "height": 800}, color_scheme=scheme)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(panel_url)
        await expect(page.get_by_role("button", name="Inject")).to_have_count(8)
        await expect(page.get_by_role("img")).to_have_count(9)
        assert await page.evaluate("document.documentElement.scrollWidth") == WIDTH
        await page.get_by_role("button", name="Inject Wrong setting").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Wrong setting is active")).to_be_disabled()
        await page.get_by_role("button", name="Heal everything").click()
        await expect(page.get_by_role("button", name="Inject Wrong setting")).to_be_enabled()
        await browser.close()
    assert problems == []
