"""The services are real processes: they are replaced without a lost order, and they never outlive the shop."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from demo.shop.shop import Shop
from tests.fakes.processes import end, start
from tests.fakes.waiting import wait_until


def processes_of(shop: Shop, service: str) -> set[int]:
    """The pids of one service of this shop; other shops may run in the same test process."""
    home = str(shop.catalogue_path.parent)
    orders = {child.pid: child.cmdline() for child in psutil.Process().children()}
    return {pid for pid, order in orders.items() if service in order and any(home in word for word in order)}


def own_children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


@pytest.fixture
def lonely_shop(tmp_path: Path) -> Iterator[Callable[[], psutil.Popen]]:
    """Starts `python -m demo.shop` on its own."""
    log = tmp_path / "out.log"
    child = start([sys.executable, "-m", "demo.shop", "--port", "0", "--data-dir", str(tmp_path / "shop")], log)
    yield lambda: child
    end(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_no_process_outlives_the_shop(
    lonely_shop: Callable[[], psutil.Popen], tmp_path: Path, number: signal.Signals
) -> None:
    shop = lonely_shop()
    await wait_until(lambda: "catalogue" in (tmp_path / "out.log").read_text(), 20)
    children = own_children(shop.pid)
    assert len(children) == 3
    shop.send_signal(number)
    await wait_until(lambda: not any(child.is_running() for child in children), 15)
    await wait_until(lambda: shop.poll() is not None)
    assert shop.returncode == (-number if number == signal.SIGKILL else 0)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_restart_is_a_new_process_and_loses_no_order(shop: Shop, supervisor: httpx.AsyncClient) -> None:
    before = (await supervisor.get("/services/checkout")).json()
    pids = processes_of(shop, "checkout")
    async with httpx.AsyncClient(base_url=shop.front_url, timeout=10) as shopper:
        restart = asyncio.create_task(supervisor.post("/services/checkout/restart", json={"action_id": "new-process"}))
        answers: list[int] = []
        while not restart.done() or len(answers) < 20:
            answers.append((await shopper.get("/buy")).status_code)
    assert (await restart).json()["replayed"] is False
    assert set(answers) == {200}
    after = (await supervisor.get("/services/checkout")).json()
    assert after["resource_version"] == before["resource_version"] + 1
    assert after["started_at"] > before["started_at"]
    assert after["restarts"] == before["restarts"]
    assert after["status"] == "running"
    now = processes_of(shop, "checkout")
    assert len(now) == 1
    assert not now & pids


@pytest.mark.asyncio(loop_scope="session")
async def test_a_service_that_dies_is_started_again_under_the_same_resource_version(
    shop: Shop, supervisor: httpx.AsyncClient
) -> None:
    before = (await supervisor.get("/services/payments")).json()
    [pid] = processes_of(shop, "payments")
    psutil.Process(pid).kill()

    async def is_back() -> bool:
        now = (await supervisor.get("/services/payments")).json()
        return now["restarts"] == before["restarts"] + 1 and now["status"] == "running"

    await wait_until(is_back)
    after = (await supervisor.get("/services/payments")).json()
    assert after["resource_version"] == before["resource_version"]
    assert after["last_exit"]["code"] == -signal.SIGKILL


@pytest.mark.asyncio(loop_scope="session")
async def test_the_catalogue_leads_to_everything(shop: Shop, supervisor: httpx.AsyncClient) -> None:
    catalogue = yaml.safe_load(shop.catalogue_path.read_text())
    assert catalogue["prometheus_url"] == shop.metrics_url
    assert catalogue["supervisor_url"] == shop.supervisor_url
    depends = {service["name"]: service["depends_on"] for service in catalogue["services"]}
    assert depends == {"front": ["checkout"], "checkout": ["payments"], "payments": []}
    async with httpx.AsyncClient() as client:
        for service in catalogue["services"]:

            async def is_well(url: str = service["health_url"]) -> bool:
                return (await client.get(url)).json()["status"] == "ok"

            await wait_until(is_well)
            assert "http_requests_total" in (await client.get(service["metrics_url"])).text
            lines = Path(service["log_files"][0]).read_text().splitlines()
            assert {"ts", "level", "service", "version", "msg"} <= json.loads(lines[-1]).keys()
            assert all(Path(path).exists() for path in service["log_files"])
    summary = (await supervisor.get("/services/checkout")).json()
    assert {"name", "env", "version", "workers", "ready_workers", "status", "restarts", "started_at", "config"} <= set(
        summary
    )


@pytest.mark.asyncio(loop_scope="session")
async def test_a_new_setting_and_new_workers_need_no_restart(shop: Shop, supervisor: httpx.AsyncClient) -> None:
    before = (await supervisor.get("/services/payments")).json()
    await supervisor.post("/services/payments/scale", json={"workers": 7, "action_id": "more"})
    async with httpx.AsyncClient() as client:

        async def seven() -> bool:
            return 'workers{service="payments"} 7.0' in (await client.get(before["metrics_url"])).text

        await wait_until(seven)
    after = (await supervisor.get("/services/payments")).json()
    assert after["started_at"] == before["started_at"]
    assert (after["workers"], after["ready_workers"]) == (7, 7)
    await supervisor.post("/services/payments/scale", json={"workers": before["workers"], "action_id": "less"})
