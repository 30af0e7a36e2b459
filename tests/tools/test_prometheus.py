"""Metrics are read strictly, cut to size and, without a Prometheus, scraped."""

import gzip
import json
from typing import Any

import pytest

from core.errors import ToolArgumentsError, ToolError
from core.tool_call import ToolCall, ToolResult
from tests.tools.conftest import Bench
from tools.environment import open_http
from tools.fetch import UnreachableError, fetch
from tools.guard import Guard
from tools.prometheus.metric_range import unit_of
from tools.prometheus.scrape import parse_selector
from tools.spec import OutcomeUnknownError

PAGE = """# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",route="/buy"} 100.0
http_requests_total{code="500",route="/buy"} 7.0
# TYPE workers gauge
workers 4.0
# TYPE odd gauge
odd NaN
"""


def answer(bench: Bench, path: str, body: Any, status: int = 200) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    bench.peer.pages[f"/api/v1/{path}"] = (status, raw)


def success(kind: str, result: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


async def ask(bench: Bench, name: str, **args: Any) -> ToolResult:
    return await bench.guard().read(ToolCall(name=name, args={"query": "up", **args}))


async def test_a_vector_is_read(bench: Bench) -> None:
    rows = [
        {"metric": {"__name__": "up", "service": name}, "value": [1, value]} for name, value in (("a", "1"), ("b", "0"))
    ]
    answer(bench, "query", success("vector", rows))
    result = await ask(bench, "metric_query")
    assert result.text == "a 1, b 0"
    assert result.data == {
        "query": "up",
        "result": [
            {"labels": {"__name__": "up", "service": "a"}, "value": 1.0},
            {"labels": {"__name__": "up", "service": "b"}, "value": 0.0},
        ],
    }


async def test_a_scalar_is_read_and_nan_is_no_number(bench: Bench) -> None:
    answer(bench, "query", success("scalar", [1, "0.25"]))
    assert (await ask(bench, "metric_query")).text == "0.25"
    answer(bench, "query", success("vector", [{"metric": {}, "value": [1, "NaN"]}]))
    assert (await ask(bench, "metric_query")).status == "no_data"
    answer(bench, "query", success("vector", []))
    assert (await ask(bench, "metric_query")).status == "no_data"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"[1]",
        b'{"status": "success"}',
        b'{"status": "success", "data": NaN}',
        b"[" * 100_000,
        success("vector", {"a": 1}),
        success("vector", [7]),
        success("vector", [{"metric": [], "value": [1, "1"]}]),
        success("vector", [{"metric": {}, "value": [1]}]),
        success("vector", [{"metric": {}, "value": [1, "one"]}]),
        success("string", [1, "a"]),
        success("matrix", [{"metric": {}, "values": "x"}]),
    ],
)
async def test_an_answer_that_is_none_fails_and_does_not_raise(bench: Bench, body: Any) -> None:
    answer(bench, "query", body)
    assert (await ask(bench, "metric_query")).status == "failed"


async def test_a_rejected_query_tells_why(bench: Bench) -> None:
    answer(bench, "query", {"status": "error", "errorType": "bad_data", "error": "parse error: unclosed brace"}, 400)
    result = await ask(bench, "metric_query", query="up{")
    assert result.status == "failed"
    assert "unclosed brace" in result.text


async def test_a_range_tells_when_the_level_changed_and_can_be_drawn(bench: Bench) -> None:
    now = int(bench.clock.now().timestamp())
    values = [[now - 120 + at, "0.01" if at < 100 else "0.62"] for at in range(121)]
    flat = [[now - 120 + at, "0.5"] for at in range(121)]
    answer(bench, "query_range", success("matrix", [
        {"metric": {"service": "front"}, "values": flat},
        {"metric": {"service": "checkout"}, "values": values},
    ]))  # fmt: skip
    query = 'sum(rate(a{code=~"5.."}[10s])) by (service) / sum(rate(a[10s])) by (service)'
    result = await ask(bench, "metric_range", query=query, minutes=2)
    assert isinstance(result.data, dict)
    first = result.data["series"][0]  # type: ignore[index,call-overload]
    assert first["labels"] == {"service": "checkout"}  # type: ignore[index,call-overload]
    assert first["change"] == {"at": float(now - 20), "before": 0.01, "after": 0.62}  # type: ignore[index,call-overload]
    assert result.series[0].title == "checkout"
    assert (result.series[0].unit, result.series[0].marks[0][0]) == ("ratio", now - 20)
    assert "checkout 1 % → 62 %, since 20 s" in result.text


async def read_line(bench: Bench, query: str, values: list[float]) -> str:
    now = int(bench.clock.now().timestamp())
    points = [[now - len(values) + 1 + at, str(value)] for at, value in enumerate(values)]
    answer(bench, "query_range", success("matrix", [{"metric": {"service": "checkout"}, "values": points}]))
    return (await ask(bench, "metric_range", query=query, minutes=2)).text


async def test_what_a_range_ends_with_is_said_and_not_the_mean_since_it_changed(bench: Bench) -> None:
    climbing = [0.0] * 40 + [0.2, 0.3, 0.4, 0.45, 0.481]
    text = await read_line(bench, "sum(rate(a[10s])) / sum(rate(b[10s]))", climbing)
    assert text.startswith("checkout 0 % → 48.1 %, since ")


async def test_what_is_counted_is_told_in_whole_numbers(bench: Bench) -> None:
    text = await read_line(bench, "service_restarts_total", [0.0] * 30 + [1.0] * 2 + [3.0] * 3 + [4.0] * 20)
    assert text.startswith("checkout 0 → 4, since ")


async def test_a_huge_answer_is_not_read_to_its_end(bench: Bench) -> None:
    answer(bench, "query", b'"' + b"x" * 6_000_000 + b'"')
    assert (await ask(bench, "metric_query")).status == "failed"


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[10s])) by (le))", "s"),
        ("process_resident_memory_bytes", "bytes"),
        ("process_resident_memory_bytes / memory_limit_bytes", "ratio"),
        ("rate(http_requests_total[10s])", "1/s"),
        ('http_requests_total{route="/buy"}', ""),
        ("rate(a_seconds_sum[1m]) / rate(a_seconds_count[1m])", "s"),
        ("workers", ""),
    ],
)
def test_the_unit_is_told_from_how_the_query_is_written(query: str, unit: str) -> None:
    assert unit_of(query) == unit


def without_prometheus(bench: Bench) -> Guard:
    registry = bench.registry(prometheus_url=None)
    return Guard(registry, bench.approvals, bench.effects, bench.audit, bench.clock, lambda: False)


async def test_without_a_prometheus_selectors_are_answered_by_the_metrics_pages(bench: Bench) -> None:
    bench.peer.pages["/metrics"] = (200, PAGE.encode())
    guard = without_prometheus(bench)
    call = ToolCall(name="metric_query", args={"query": 'http_requests_total{code=~"5..", service="checkout"}'})
    result = await guard.read(call)
    assert isinstance(result.data, dict)
    row = {"labels": {"service": "checkout", "code": "500", "route": "/buy"}, "value": 7.0}
    assert result.data["result"] == [row]
    for query, status in (
        ("workers", "ok"),
        ("odd", "no_data"),
        ("nothing", "no_data"),
        ("rate(workers[1m])", "failed"),
    ):
        assert (await guard.read(ToolCall(name="metric_query", args={"query": query}))).status == status
    history = await guard.read(ToolCall(name="metric_range", args={"query": "workers"}))
    assert history.status == "no_data"


@pytest.mark.parametrize("query", ["a{b}", 'a{b="c"', 'a{b=~"(a+)+$"}', 'a{b=~".*.*.*x"}', "a b", 'a{b="c"} or up', ""])
def test_what_needs_a_real_prometheus_is_refused_without_one(query: str) -> None:
    with pytest.raises(ToolArgumentsError):
        parse_selector(query)


async def test_compressed_and_redirected_answers_are_not_taken(bench: Bench) -> None:
    bench.peer.pages["/redirect"] = (302, b"elsewhere")
    async with open_http() as http:
        assert (await fetch(http, "GET", f"{bench.peer.url}/redirect")).status == 302
        assert (await fetch(http, "GET", f"{bench.peer.url}/redirect", limit=4)).complete is False
        bench.peer.raw = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 23\r\n\r\n" + gzip.compress(
            b"x"
        )
        with pytest.raises(OutcomeUnknownError):
            await fetch(http, "GET", f"{bench.peer.url}/raw")


async def test_a_port_where_nobody_listens_is_known_to_have_received_nothing() -> None:
    async with open_http() as http:
        with pytest.raises(UnreachableError) as caught:
            await fetch(http, "POST", "http://127.0.0.1:9/", json_body={})
    assert isinstance(caught.value, ToolError)
    assert not isinstance(caught.value, OutcomeUnknownError)


async def test_a_service_that_does_not_answer_is_a_finding(bench: Bench) -> None:
    bench.peer.pages["/healthz"] = (503, b'{"status": "failing"}')
    result = await bench.guard().read(ToolCall(name="probe_http", args={"service": "front"}))
    assert isinstance(result.data, dict)
    assert (result.status, result.data["status_code"], result.data["body"]) == ("ok", 503, '{"status": "failing"}')
    bench.peer.pages.clear()
    gone = [service.model_copy(update={"health_url": "http://127.0.0.1:9/healthz"}) for service in bench.services()]
    registry = bench.registry(services=gone)
    guard = Guard(registry, bench.approvals, bench.effects, bench.audit, bench.clock, lambda: False)
    result = await guard.read(ToolCall(name="probe_http", args={"service": "front"}))
    assert isinstance(result.data, dict)
    assert (result.status, result.data["status_code"]) == ("ok", 0)
    assert "refused" in str(result.data["body"])
