"""The tools on a production that is alive: the demo's shop, its metrics, logs, supervisor and ledger."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote
from core.errors import ToolArgumentsError
from core.tool_call import ToolCall, ToolResult
from demo.shop import Shop
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_request
from tools.environment import Environment, load_catalogue, open_http
from tools.guard import Guard
from tools.registry import build_registry

pytestmark = pytest.mark.asyncio(loop_scope="session")


class WallClock:
    """The shop lives in real time, so its guard has to."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class OnCall:
    """A guard over the shop, and somebody who approves everything."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient) -> None:
        self.shop = shop
        self.http = http
        self.approvals = InMemoryApprovals()
        catalogue = load_catalogue(shop.catalogue_path)
        environment = Environment.of(catalogue, supervisor_token=shop.supervisor_token, http=http, clock=WallClock())
        registry = build_registry(environment)
        self.audit = InMemoryAudit()
        self.guard = Guard(
            registry,
            self.approvals,
            InMemoryEffects(self.audit, self.approvals),
            self.audit,
            WallClock(),
            lambda: False,
        )

    async def read(self, name: str, **args: Any) -> dict[str, Any]:
        result = await self.guard.read(ToolCall(name=name, args=args))
        assert result.status == "ok", result.text
        assert isinstance(result.data, dict)
        return result.data

    async def until_positive(self, query: str) -> None:
        """Wait until the query's first value is above zero."""
        async with asyncio.timeout(20):
            while True:
                result = await self.guard.read(ToolCall(name="metric_query", args={"query": query}))
                if isinstance(result.data, dict) and result.data["result"][0]["value"] > 0:  # type: ignore[index,call-overload,operator]
                    return
                await asyncio.sleep(0.2)

    async def approved(self, name: str, **args: Any) -> tuple[ApprovalRequest, Grant]:
        plan = await self.guard.plan(ToolCall(name=name, args=args))
        now = WallClock().now()
        row = await self.approvals.create(a_request(plan=plan, created_at=now))
        await self.approvals.vote(Vote(approval_id=row.id, person="U0BOB", choice="approve", at=now))
        until = now + row.requirement.execute_within
        await self.approvals.claim(row.id, digest=row.digest, status=ApprovalStatus.APPROVED, now=now, execute_by=until)
        await self.audit.record(await self.approvals.load(row.id))
        return row, Grant(approval_id=row.id, action_id=row.action_id, digest=row.digest, until=until)

    async def act(self, name: str, **args: Any) -> ToolResult:
        return await self.guard.execute(*await self.approved(name, **args))

    async def ledger(self) -> list[dict[str, Any]]:
        """The effects, as the target counted them."""
        rows: list[dict[str, Any]] = (await self.http.get(f"{self.shop.supervisor_url}/actions")).json()["actions"]
        return rows


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def on_call(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OnCall]:
    async with Shop(tmp_path_factory.mktemp("shop"), webhook_url=None) as shop, open_http() as http:
        on_call = OnCall(shop, http)
        await on_call.until_positive('sum(http_requests_total{service="front",code="200"})')
        yield on_call
    await asyncio.sleep(0.05)  # closed transports leave the loop in its next rounds, and this loop has few left


async def test_every_read_tool_answers_about_every_service(on_call: OnCall) -> None:
    for service in ("front", "checkout", "payments"):
        health = await on_call.read("probe_http", service=service)
        assert (health["status_code"], json.loads(health["body"])["version"] != "") == (200, True)
        status = await on_call.read("service_status", service=service)
        assert (status["name"], status["status"]) == (service, "running")
        history = await on_call.read("deploy_history", service=service)
        assert history["deploys"][0]["status"] == "current"
        logs = await on_call.read("search_logs", service=service, minutes=5)
        assert logs["total"] > 0
    assert (await on_call.read("service_status", service="checkout"))["dependents"] == ["front"]


async def test_metrics_come_as_numbers_and_as_lines(on_call: OnCall) -> None:
    now = await on_call.read("metric_query", query="up")
    assert {row["labels"]["service"]: row["value"] for row in now["result"]} == {
        "front": 1,
        "checkout": 1,
        "payments": 1,
    }
    call = ToolCall(name="metric_range", args={"query": 'http_requests_total{service="front"}', "minutes": 1})
    result = await on_call.guard.read(call)
    assert result.status == "ok", result.text
    assert len(result.series[0].points) >= 1
    bad = await on_call.guard.read(ToolCall(name="metric_query", args={"query": "sum(("}))
    assert bad.status == "failed"


async def test_a_metrics_page_answers_what_the_store_answers(on_call: OnCall) -> None:
    catalogue = load_catalogue(on_call.shop.catalogue_path).model_copy(update={"prometheus_url": None})
    token = on_call.shop.supervisor_token
    environment = Environment.of(catalogue, supervisor_token=token, http=on_call.http, clock=WallClock())
    ports = (InMemoryApprovals(), InMemoryEffects(), InMemoryAudit(), WallClock(), lambda: False)
    guard = Guard(build_registry(environment), *ports)
    result = await guard.read(ToolCall(name="metric_query", args={"query": 'workers{service="payments"}'}))
    stored = await on_call.read("metric_query", query='workers{service="payments"}')
    assert isinstance(result.data, dict)
    assert result.data["result"][0]["value"] == stored["result"][0]["value"]  # type: ignore[index,call-overload]


async def test_scaling_up_and_its_rollback_are_two_rows_in_the_targets_ledger(on_call: OnCall) -> None:
    before = (await on_call.read("service_status", service="payments"))["workers"]
    row, grant = await on_call.approved("scale_workers", service="payments", workers=before + 1)
    result = await on_call.guard.execute(row, grant)
    assert (result.status, f"workers {before} -> {before + 1}" in result.text) == ("ok", True)
    assert row.plan.rollback is not None
    undone = await on_call.act(row.plan.rollback.name, **row.plan.rollback.args)
    assert undone.status == "ok"
    ours = [each for each in await on_call.ledger() if each["service"] == "payments" and each["operation"] == "scale"]
    assert [each["args"]["workers"] for each in ours[-2:]] == [before + 1, before]
    assert ours[-2]["action_id"] == row.action_id
    assert (await on_call.read("service_status", service="payments"))["workers"] == before


async def test_twenty_executions_at_once_restart_the_process_once(on_call: OnCall) -> None:
    before = await on_call.read("service_status", service="front")
    row, grant = await on_call.approved("restart_service", service="front")
    results = await asyncio.gather(*(on_call.guard.execute(row, grant) for _ in range(20)))
    assert {result.status for result in results} == {"ok"}
    assert [each["action_id"] for each in await on_call.ledger()].count(row.action_id) == 1
    after = await on_call.read("service_status", service="front")
    assert after["started_at"] != before["started_at"]
    assert (after["status"], after["resource_version"]) == ("running", before["resource_version"] + 1)


async def test_an_approval_does_not_survive_somebody_elses_change(on_call: OnCall) -> None:
    row, grant = await on_call.approved("restart_service", service="checkout")
    workers = (await on_call.read("service_status", service="checkout"))["workers"]
    assert (await on_call.act("scale_workers", service="checkout", workers=workers + 1)).status == "ok"
    result = await on_call.guard.execute(row, grant)
    assert result.status == "refused"
    assert result.text.startswith("superseded: its target has changed since it was asked for: resource_version was")
    assert row.action_id not in {each["action_id"] for each in await on_call.ledger()}


async def test_a_setting_is_changed_and_a_wrong_type_is_not_even_planned(on_call: OnCall) -> None:
    config = (await on_call.read("service_status", service="checkout"))["config"]
    value = config["payments_timeout_ms"]
    result = await on_call.act("set_config", service="checkout", key="payments_timeout_ms", value=value + 1)
    assert f"config.payments_timeout_ms {value} -> {value + 1}" in result.text
    history = await on_call.read("deploy_history", service="checkout")
    assert history["config_changes"][0]["key"] == "payments_timeout_ms"
    assert "approved by U0BOB" in history["config_changes"][0]["by"]
    with pytest.raises(ToolArgumentsError, match="refuses"):
        await on_call.approved("set_config", service="checkout", key="payments_timeout_ms", value="fast")


async def test_nothing_is_planned_on_what_the_supervisor_does_not_know(on_call: OnCall) -> None:
    with pytest.raises(ToolArgumentsError, match="never deployed"):
        await on_call.approved("rollback_deploy", service="checkout", to_version="9.9.9")


async def test_a_bad_deploy_is_seen_in_metrics_logs_and_history_and_cured_by_its_rollback(on_call: OnCall) -> None:
    errors = 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[5s]))'
    good = (await on_call.read("service_status", service="checkout"))["version"]
    await on_call.shop.inject("bad_deploy")
    try:
        await on_call.until_positive(f"{errors} > 0.5")
        history = await on_call.read("deploy_history", service="checkout")
        assert (history["deploys"][0]["by"], history["deploys"][1]["version"]) == ("bob", good)
        logs = await on_call.read("search_logs", service="checkout", minutes=1, level="error")
        assert any(row["new"] and row["level"] == "error" for row in logs["patterns"])
        result = await on_call.act("rollback_deploy", service="checkout", to_version=good)
        assert result.status == "ok", result.text
        assert f"-> {good}" in result.text
        await on_call.until_positive(f"({errors} < 0.01) + 1")
    finally:
        await on_call.shop.clear()
