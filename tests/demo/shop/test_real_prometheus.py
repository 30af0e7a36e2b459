"""The same rules in a real Prometheus and Alertmanager ring the same bells, in the same words."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
import yaml

from demo.shop.alerts.rules import RULES_PATH, load_rules
from demo.shop.shop import Shop
from tests.demo.shop.conftest import TOKEN, Receiver, receiving
from tests.fakes.processes import end, free_port, start
from tests.fakes.waiting import wait_until

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("prometheus-alertmanager")),
        reason="prometheus and prometheus-alertmanager are not installed",
    ),
]


@pytest_asyncio.fixture(loop_scope="session")
async def real_receiver() -> AsyncIterator[Receiver]:
    async for one in receiving():
        yield one


def write_configs(folder: Path, shop: Shop, receiver: Receiver, alertmanager: str) -> None:
    catalogue = yaml.safe_load(shop.catalogue_path.read_text())
    targets = [urlsplit(service["url"]).netloc for service in catalogue["services"]]
    targets.append(urlsplit(shop.supervisor_url).netloc)
    prometheus = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"},
        "rule_files": [str(RULES_PATH)],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": targets}]}],
    }
    authorization = {"authorization": {"type": "Bearer", "credentials": TOKEN}}
    hook = {"url": receiver.url, "send_resolved": True, "http_config": authorization}
    route = {"receiver": "watchkeeper", "group_by": ["alertname", "service"]}
    route |= {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1h"}
    alerting = {"route": route, "receivers": [{"name": "watchkeeper", "webhook_configs": [hook]}]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus))
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(alerting))


@pytest_asyncio.fixture(loop_scope="session")
async def prometheus_url(quiet_shop: Shop, real_receiver: Receiver, tmp_path: Path) -> AsyncIterator[str]:
    """A Prometheus and an Alertmanager that watch the shop beside its own evaluator."""
    prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
    write_configs(tmp_path, quiet_shop, real_receiver, alertmanager)
    children: list[subprocess.Popen[bytes]] = [
        start(
            [
                "prometheus-alertmanager",
                f"--config.file={tmp_path}/alertmanager.yml",
                f"--storage.path={tmp_path}/alertmanager",
                f"--web.listen-address={alertmanager}",
                "--cluster.listen-address=",
            ],
            tmp_path / "alertmanager.log",
        ),
        start(
            [
                "prometheus",
                f"--config.file={tmp_path}/prometheus.yml",
                f"--storage.tsdb.path={tmp_path}/data",
                f"--web.listen-address={prometheus}",
            ],
            tmp_path / "prometheus.log",
        ),
    ]
    url = f"http://{prometheus}"
    async with httpx.AsyncClient(base_url=url) as client:

        async def warmed_up() -> bool:
            """Whether it has rates of every service, and its rules find nothing wrong."""
            assert all(child.poll() is None for child in children), (tmp_path / "prometheus.log").read_text()
            try:
                query = {"query": "count(sum by (service) (rate(http_requests_total[5s])) > 0) == 3"}
                response = await client.get("/api/v1/query", params=query)
            except httpx.TransportError:
                return False
            return response.status_code == 200 and bool(response.json()["data"]["result"])

        await wait_until(warmed_up, 20)
        yield url
    for child in children:
        end(child)


async def ask(url: str, query: str) -> dict[str, float]:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = (await client.get("/api/v1/query", params={"query": query})).json()
    assert answer["status"] == "success", answer
    return {one["metric"]["service"]: float(one["value"][1]) for one in answer["data"]["result"]}


def outline(notice: dict[str, Any]) -> dict[str, Any]:
    """What must be equal in both notices: everything but times, numbers in texts and addresses."""
    [entry] = notice["alerts"]
    return {
        "keys": sorted(notice),
        "alert_keys": sorted(entry),
        "annotation_keys": sorted(entry["annotations"]),
        "expression": entry["generatorURL"].partition("g0.expr=")[2],
        **{key: notice[key] for key in ("receiver", "status", "groupLabels", "commonLabels", "version", "groupKey")},
        **{key: entry[key] for key in ("labels", "fingerprint")},
    }


@pytest.mark.timeout(90)
async def test_a_real_prometheus_and_alertmanager_say_the_same(
    shop: Shop, shop_receiver: Receiver, real_receiver: Receiver, prometheus_url: str
) -> None:
    for query in (
        "max by (service) (process_resident_memory_bytes)",
        'sum by (service) (rate(http_requests_total{code=~"5.."}[5s]))',
        "max by (service) (workers)",
        "count by (service) (http_request_duration_seconds_bucket)",
    ):
        ours, theirs = await ask(shop.metrics_url, query), await ask(prometheus_url, query)
        assert ours == pytest.approx(theirs, rel=0.05), query
    assert real_receiver.notices == []

    await shop.inject("wrong_config")
    bells = {("HighErrorRate", "checkout"), ("HighErrorRate", "front")}
    await wait_until(lambda: shop_receiver.groups("firing") == real_receiver.groups("firing") == bells, 15)
    await shop.clear()
    await wait_until(lambda: shop_receiver.groups("resolved") == real_receiver.groups("resolved") == bells, 15)

    ours, theirs = ({repr(one["groupKey"]) + one["status"]: outline(one) for one in receiver.notices}
                    for receiver in (shop_receiver, real_receiver))  # fmt: skip
    for notice, expected in theirs.items():
        for key, value in expected.items():
            assert ours[notice][key] == value
    assert ours.keys() == theirs.keys()
    assert set(real_receiver.authorizations) == set(shop_receiver.authorizations) == {f"Bearer {TOKEN}"}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
async def test_promtool_accepts_the_rules() -> None:
    command = ["promtool", "check", "rules", str(RULES_PATH)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(load_rules(RULES_PATH))} rules found" in done.stdout
