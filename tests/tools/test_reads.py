"""Whatever a mind asks for, it gets a bounded, harmless result."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import NoDataError, ToolArgumentsError, ToolError
from core.risk import Risk
from core.series import Series
from core.tool_call import ToolCall, ToolResult, canonical_json
from tests.tools.conftest import Bench
from tools.guard import Guard
from tools.registry import Registry
from tools.spec import Arguments, ServiceArguments, ToolSpec

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("metric_query", "metric_range", "search_logs", "probe_http", "service_status", "deploy_history")


def guard_over(bench: Bench, *specs: ToolSpec[Any]) -> Guard:
    registry = Registry(bench.environment(), specs)
    return Guard(registry, bench.approvals, bench.effects, bench.audit, bench.clock, lambda: False)


def tool(read: Any, **changes: Any) -> ToolSpec[Any]:
    spec = ToolSpec(name="odd", description="", args=Arguments, risk=Risk.READ, timeout=5, read=read)
    return replace(spec, **changes)


async def read(guard: Guard, name: str, **args: Any) -> ToolResult:
    return await guard.read(ToolCall(name=name, args=args))


async def test_an_unknown_tool_fails_and_the_answer_lists_the_tools(bench: Bench) -> None:
    result = await read(bench.guard(), "drop_database")
    assert result.status == "failed"
    assert "metric_query" in result.text


@pytest.mark.parametrize("name", ["restart_service", "rollback_deploy", "scale_workers", "set_config"])
async def test_a_tool_that_changes_things_cannot_be_reached_by_reading(bench: Bench, name: str) -> None:
    result = await read(bench.guard(), name, service="checkout", workers=1, to_version="1", key="a", value=1)
    assert result.status == "refused"
    assert bench.kinds == ["EffectRefused"]
    assert bench.peer.seen == []


async def test_a_guard_that_runs_whatever_is_named_is_caught(bench: Bench) -> None:
    class Obliging(Guard):
        async def read(self, call: ToolCall) -> ToolResult:
            row, grant = await bench.approve(await self.plan(call))
            return await self.execute(row, grant)

    await read(bench.guard(Obliging), "restart_service", service="checkout")
    assert bench.peer.effects != []


async def test_a_tool_that_is_not_listed_is_not_reachable_by_its_name(bench: Bench) -> None:
    spec = tool(lambda args: asyncio.sleep(0, ToolResult(status="ok", text="secret plans")))
    hidden = guard_over(bench, replace(spec, name="listed"))
    assert (await read(hidden, "odd")).status == "failed"
    with pytest.raises(ToolArgumentsError):
        await bench.guard(timeout=1).plan(ToolCall(name="odd", args={}))


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("metric_query", {}, "query"),
        ("metric_query", {"query": "up", "url": "http://169.254.169.254/"}, "url"),
        ("metric_range", {"query": "up", "minutes": 0}, "minutes (integer 1 to 360)"),
        ("metric_range", {"query": "up", "minutes": "soon"}, "minutes"),
        ("search_logs", {"service": "../../etc/passwd"}, "service"),
        ("search_logs", {"service": "checkout", "path": "/etc/passwd"}, "path"),
        ("search_logs", {"service": "checkout", "level": "loud"}, "'debug'"),
        ("probe_http", {"service": "nobody"}, "front, checkout, payments"),
        ("probe_http", {"service": "x" * 50_000}, "bytes of arguments"),
        ("probe_http", {"service": float("nan")}, "not JSON"),
        ("service_status", {"service": ["checkout"]}, "service (string)"),
    ],
)
async def test_bad_arguments_fail_with_a_sentence_that_says_what_is_accepted(
    bench: Bench, name: str, args: dict[str, Any], said: str
) -> None:
    result = await bench.guard().read(ToolCall.model_construct(name=name, args=args))
    assert result.status == "failed"
    assert said in result.text
    assert len(result.text) < 1000


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), args=st.dictionaries(st.sampled_from(["service", "query", "minutes", "x"]), JSON))
async def test_no_arguments_whatsoever_make_reading_raise(bench: Bench, name: str, args: dict[str, Any]) -> None:
    result = await bench.guard(timeout=2).read(ToolCall.model_construct(name=name, args=args))
    assert result.status in ("ok", "no_data", "failed")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["restart_service", "scale_workers", "set_config", "rollback_deploy"]),
    args=st.dictionaries(st.sampled_from(["workers", "to_version", "key", "value", "x"]), JSON),
)
async def test_no_arguments_whatsoever_plan_something_that_was_not_accepted(
    bench: Bench, name: str, args: dict[str, Any]
) -> None:
    call = ToolCall.model_construct(name=name, args={"service": "checkout", **args})
    try:
        plan = await bench.guard().plan(call)
    except ToolError:
        return
    given_args = {key: value for key, value in plan.call.args.items() if key in call.args}
    assert canonical_json(given_args) == canonical_json(call.args)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("scale_workers", {"workers": True}),
        ("scale_workers", {"workers": "8"}),
        ("scale_workers", {"workers": 8.0}),
        ("scale_workers", {"workers": 17}),
        ("scale_workers", {"workers": 4}),
        ("rollback_deploy", {"to_version": "1.4.1; rm -rf /"}),
        ("rollback_deploy", {"to_version": "../1"}),
        ("set_config", {"key": "a b", "value": 1}),
        ("set_config", {"key": "limit", "value": "a\nb"}),
        ("set_config", {"key": "limit", "value": [1]}),
        ("set_config", {"key": "db_password", "value": "abc"}),
        ("set_config", {"key": "db", "value": "postgres://app:hunter2@db/shop"}),
        ("restart_service", {"force": True}),
    ],
)
async def test_a_change_is_planned_from_exact_arguments_only(bench: Bench, name: str, args: dict[str, Any]) -> None:
    with pytest.raises(ToolArgumentsError):
        await bench.guard().plan(ToolCall(name=name, args={"service": "payments", **args}))


async def test_a_plan_holds_code_facts(bench: Bench) -> None:
    plan = await bench.guard().plan(ToolCall(name="restart_service", args={"service": "payments"}))
    assert (plan.env, plan.service, plan.risk, plan.rollback) == ("prod", "payments", Risk.DISRUPTIVE, None)
    assert plan.precondition == {"resource_version": 7, "version": "1.4.2"}
    assert "+restart_generation: 1" in plan.diff
    assert "checkout, front" in plan.blast_radius
    assert bench.peer.effects == []


async def test_reading_needs_no_plan(bench: Bench) -> None:
    with pytest.raises(ToolArgumentsError, match="only reads"):
        await bench.guard().plan(ToolCall(name="probe_http", args={"service": "front"}))


async def test_a_service_that_left_the_catalogue_cannot_be_changed(bench: Bench) -> None:
    row, grant = await bench.approved("restart_service", service="checkout")
    registry = bench.registry(services=[service for service in bench.services() if service.name == "payments"])
    guard = Guard(registry, bench.approvals, bench.effects, bench.audit, bench.clock, lambda: False)
    assert (await guard.execute(row, grant)).status == "refused"
    assert bench.peer.effects == []


async def test_a_tool_that_hangs_is_cut_off(bench: Bench) -> None:
    result = await read(guard_over(bench, tool(lambda args: asyncio.Event().wait(), timeout=0.05)), "odd")
    assert result.status == "failed"
    assert "took more than 0.05 s" in result.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(NoDataError("nothing"), "no_data"), (ToolError("no"), "failed"), (ZeroDivisionError("oops"), "failed")],
)
async def test_a_tool_that_breaks_becomes_a_result(bench: Bench, error: Exception, status: str) -> None:
    async def broken(args: Arguments) -> ToolResult:
        raise error

    result = await read(guard_over(bench, tool(broken)), "odd")
    assert result.status == status
    assert "oops" not in result.text


async def test_what_a_tool_returns_is_cut_to_size(bench: Bench) -> None:
    async def chatty(args: Arguments) -> ToolResult:
        line = Series(title="t" * 500, points=tuple((float(at), 1.0) for at in range(5000)))
        return ToolResult(status="ok", text="x" * 100_000, data=[*["y" * 1000] * 1000], series=(line,) * 30)

    result = await read(guard_over(bench, tool(chatty)), "odd")
    assert len(result.text) <= 2000
    assert result.data is None
    assert len(result.series) == 8
    assert len(result.series[0].points) == 240


async def test_numbers_that_are_not_json_are_left_out(bench: Bench) -> None:
    async def strange(args: Arguments) -> ToolResult:
        return ToolResult(status="ok", text="fine", data={"value": float("nan")})

    result = await read(guard_over(bench, tool(strange)), "odd")
    assert (result.status, result.data) == ("ok", None)


async def test_summaries_name_risk_and_the_services_to_choose_from(bench: Bench) -> None:
    summaries = {summary.name: summary for summary in bench.guard().summaries()}
    assert list(summaries)[:6] == list(NAMES)
    assert summaries["scale_workers"].risk == "reversible"
    properties = summaries["probe_http"].args_schema["properties"]
    assert isinstance(properties, dict)
    assert properties["service"]["enum"] == ["front", "checkout", "payments"]  # type: ignore[index,call-overload]


async def test_service_arguments_are_checked_against_the_catalogue_for_every_tool(bench: Bench) -> None:
    async def never(args: ServiceArguments) -> ToolResult:
        raise AssertionError

    result = await read(guard_over(bench, tool(never, args=ServiceArguments)), "odd", service="stranger")
    assert result.status == "failed"
    assert "stranger" in result.text
