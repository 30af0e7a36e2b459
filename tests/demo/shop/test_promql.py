"""The PromQL subset against values worked out by hand."""

import math
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.shop.embedded import serving
from demo.shop.metrics.api import build_metrics_app, format_value
from demo.shop.metrics.evaluate import query, query_range
from demo.shop.metrics.store import RETENTION_S, MetricsStore, Series
from demo.shop.metrics.syntax import Binary, Number, QueryError, parse, parse_duration

T0 = 1_000_000.0


@pytest.fixture
def store() -> MetricsStore:
    """Eleven samples a second apart, T0 to T0+10."""
    made = MetricsStore()
    for second in range(11):
        at = T0 + second
        requests = {"__name__": "requests_total", "job": "shop"}
        made.add(at, {**requests, "service": "a", "code": "200"}, 10.0 * second)
        made.add(at, {**requests, "service": "a", "code": "500"}, 2.0 * second)
        made.add(at, {**requests, "service": "b", "code": "200"}, 100.0 + 5 * second)
        made.add(at, {"__name__": "memory_bytes", "service": "a"}, 50.0 + 3 * second)
        made.add(at, {"__name__": "memory_bytes", "service": "b"}, 7.0)
        made.add(at, {"__name__": "limit_bytes", "service": "a"}, 100.0)
        made.add(at, {"__name__": "limit_bytes", "service": "b"}, 100.0)
        made.add(at, {"__name__": "restarts_total", "service": "a"}, [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4][second])
        for bound, share in (("0.1", 0.5), ("0.5", 0.9), ("1", 1.0), ("+Inf", 1.0)):
            made.add(at, {"__name__": "seconds_bucket", "service": "a", "le": bound}, 100 * share * second)
    return made


def values(store: MetricsStore, text: str, at: float = T0 + 10) -> dict[str, float]:
    """service -> value; "" where there is no such label."""
    result = query(store, text, at)
    assert isinstance(result, list)
    return {sample.labels.get("service", ""): pytest.approx(sample.value) for sample in result}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("memory_bytes", {"a": 80.0, "b": 7.0}),
        ('memory_bytes{service="a"}', {"a": 80.0}),
        ('memory_bytes{service!="a"}', {"b": 7.0}),
        ('memory_bytes{service=~"a|c"}', {"a": 80.0}),
        ('memory_bytes{service!~"a.*"}', {"b": 7.0}),
        ("memory_bytes{service='b',}", {"b": 7.0}),
        ('{__name__="limit_bytes",service="b"}', {"b": 100.0}),
        ('memory_bytes{service="nobody"}', {}),
        ("memory_bytes offset 4s", {"a": 68.0, "b": 7.0}),
        # 10 s hold all eleven samples: (100 - 0) / 10 s; nothing to extrapolate.
        ('rate(requests_total{service="a",code="200"}[10s])', {"a": 10.0}),
        ('increase(requests_total{service="a",code="200"}[10s])', {"a": 100.0}),
        # 4.5 s hold T0+6 .. T0+10: growth 40 over 4 s, stretched by the missing half second: 40 * 4.5 / 4.
        ('increase(requests_total{service="a",code="200"}[4500ms])', {"a": 45.0}),
        # 0 1 2 3 4 5 | 0 1 2 3 4 : five, then a reset, then four.
        ("increase(restarts_total[10s])", {"a": 9.0}),
        ("irate(restarts_total[10s])", {"a": 1.0}),
        ("irate(restarts_total[10s] offset 4s)", {"a": 0.0}),
        ("deriv(memory_bytes[6s])", {"a": 3.0, "b": 0.0}),
        ("delta(memory_bytes[10s])", {"a": 30.0, "b": 0.0}),
        ("max_over_time(restarts_total[10s])", {"a": 5.0}),
        ("min_over_time(memory_bytes[2s])", {"a": 74.0, "b": 7.0}),
        ("avg_over_time(memory_bytes[2s])", {"a": 77.0, "b": 7.0}),
        ("sum(memory_bytes)", {"": 87.0}),
        ("avg by (job) (memory_bytes)", {"": 43.5}),
        ("sum by (service) (rate(requests_total[10s]))", {"a": 12.0, "b": 5.0}),
        ("sum(rate(requests_total[10s])) by (service)", {"a": 12.0, "b": 5.0}),
        ("max(memory_bytes)", {"": 80.0}),
        ("min(memory_bytes)", {"": 7.0}),
        ("count(memory_bytes)", {"": 2.0}),
        ("memory_bytes / limit_bytes", {"a": 0.8, "b": 0.07}),
        ("memory_bytes / limit_bytes > 0.5", {"a": 0.8}),
        ("memory_bytes >= 80", {"a": 80.0}),
        ("50 > memory_bytes", {"b": 7.0}),
        ("memory_bytes < limit_bytes", {"a": 80.0, "b": 7.0}),
        ("memory_bytes == 7", {"b": 7.0}),
        ("memory_bytes != 7", {"a": 80.0}),
        ("memory_bytes - 2 * 3 + 1", {"a": 75.0, "b": 2.0}),
        ("(memory_bytes - 2) * 3", {"a": 234.0, "b": 15.0}),
        ("-memory_bytes", {"a": -80.0, "b": -7.0}),
        # 5xx share: 2 / 12.
        (
            'sum by (service) (rate(requests_total{code=~"5.."}[10s])) / sum by (service) (rate(requests_total[10s]))',
            {"a": 2 / 12},
        ),
        # Half of all below 0.1, nine tenths below 0.5: the 0.8-quantile lies three quarters into (0.1, 0.5].
        ("histogram_quantile(0.8, sum by (service, le) (rate(seconds_bucket[10s])))", {"a": 0.4}),
        ("histogram_quantile(0.95, rate(seconds_bucket[10s]))", {"a": 0.75}),
        ("histogram_quantile(0.25, rate(seconds_bucket[10s]))", {"a": 0.05}),
    ],
)
def test_a_query_gives_the_value_worked_out_by_hand(store: MetricsStore, text: str, expected: dict[str, float]) -> None:
    assert values(store, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "memory_bytes[5s]",
        "rate(memory_bytes)",
        "rate(rate(memory_bytes[5s])[5s])",
        "histogram_quantile(memory_bytes[5s])",
        "floor(memory_bytes)",
        "memory_bytes{service=5}",
        'memory_bytes{service=~"("}',
        "memory_bytes[5y]",
        "memory_bytes +",
        "(memory_bytes",
        "memory_bytes memory_bytes",
        "{}",
        "1 > 2",
        "sum(1)",
        "requests_total / requests_total offset",
        "max by (service) (memory_bytes) / on",
        "§",
    ],
)
def test_what_is_not_supported_is_said_and_not_guessed(store: MetricsStore, text: str) -> None:
    with pytest.raises(QueryError):
        query(store, text, T0 + 10)


def test_a_match_with_two_equal_series_on_a_side_is_an_error(store: MetricsStore) -> None:
    store.add(T0 + 10, {"__name__": "other_bytes", "service": "a"}, 1.0)
    store.add(T0 + 10, {"__name__": "memory_bytes", "service": "a", "zone": ""}, 1.0)
    assert len(values(store, "memory_bytes / limit_bytes")) == 2
    with pytest.raises(QueryError, match="duplicate"):
        query(store, '{service="a",__name__=~"other_bytes|memory_bytes"} / limit_bytes', T0 + 10)


def test_a_scalar_stays_a_scalar() -> None:
    assert query(MetricsStore(), "1 + 2 * 3 - 8 / 4", T0) == 5.0


def test_division_by_zero_is_as_in_prometheus(store: MetricsStore) -> None:
    assert query(store, "1 / 0", T0) == math.inf
    nan = query(store, "0 / 0", T0)
    assert isinstance(nan, float)
    assert math.isnan(nan)


def test_an_instant_value_is_found_for_five_minutes_and_not_longer(store: MetricsStore) -> None:
    assert values(store, 'memory_bytes{service="b"}', T0 + 10 + 299) == {"b": 7.0}
    assert values(store, 'memory_bytes{service="b"}', T0 + 10 + 300) == {}


def test_a_series_that_ended_has_no_value_at_once_but_keeps_its_past(store: MetricsStore) -> None:
    store.end(T0 + 11, list(store.named("memory_bytes")))
    assert values(store, "memory_bytes", T0 + 11) == {}
    assert values(store, "max_over_time(memory_bytes[5s])", T0 + 11) == {"a": 80.0, "b": 7.0}


def test_samples_older_than_the_retention_are_dropped() -> None:
    series = Series({})
    for second in range(RETENTION_S + 1024):
        series.append(T0 + second, 1.0)
    assert len(series.times) <= RETENTION_S + 512


def test_a_range_query_has_one_value_a_step(store: MetricsStore) -> None:
    [(labels, points)] = query_range(store, 'memory_bytes{service="a"}', T0, T0 + 10, 2.5)
    assert labels["service"] == "a"
    assert points == [(T0, 50.0), (T0 + 2.5, 56.0), (T0 + 5, 65.0), (T0 + 7.5, 71.0), (T0 + 10, 80.0)]


@pytest.mark.parametrize(("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("250ms", 0.25), ("2d", 172800)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_multiplication_binds_tighter_than_addition_and_that_tighter_than_comparison() -> None:
    assert parse("1 + 2 * 3") == Binary("+", Number(1), Binary("*", Number(2), Number(3)))
    assert parse("1 < 2 - 3") == Binary("<", Number(1), Binary("-", Number(2), Number(3)))
    assert parse("1 - 2 - 3") == Binary("-", Binary("-", Number(1), Number(2)), Number(3))


@given(st.text(alphabet="abrate()[]{}5sm=~!\"'<>+-*/,. by", max_size=40))
def test_any_text_is_either_parsed_or_refused(text: str) -> None:
    try:
        parse(text)
    except QueryError:
        return


@pytest.mark.parametrize(
    ("value", "text"),
    [(5.0, "5"), (0.25, "0.25"), (1e-7, "0.0000001"), (1e21, "1000000000000000000000"), (math.inf, "+Inf")],
)
def test_numbers_are_written_as_prometheus_writes_them(value: float, text: str) -> None:
    assert format_value(value) == text


async def test_the_http_api_answers_in_prometheus_shapes(store: MetricsStore) -> None:
    async with (
        serving(build_metrics_app(store, list), "127.0.0.1") as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        text, at = 'memory_bytes{service="a"}', str(T0 + 10)
        metric = {"__name__": "memory_bytes", "service": "a"}
        for response in (
            await client.get("/api/v1/query", params={"query": text, "time": at}),
            await client.post("/api/v1/query", data={"query": text, "time": at}),
            await client.get("/api/v1/query", params={"query": text, "time": "1970-01-12T13:46:50Z"}),
        ):
            rows = [{"metric": metric, "value": [T0 + 10, "80"]}]
            expected: dict[str, Any] = {"status": "success", "data": {"resultType": "vector", "result": rows}}
            assert response.json() == expected
        span = {"query": text, "start": str(T0), "end": at, "step": "5s"}
        found = (await client.get("/api/v1/query_range", params=span)).json()["data"]
        points = [[T0, "50"], [T0 + 5, "65"], [T0 + 10, "80"]]
        assert found == {"resultType": "matrix", "result": [{"metric": metric, "values": points}]}
        assert (await client.get("/api/v1/alerts")).json() == {"status": "success", "data": {"alerts": []}}
        assert (await client.get("/-/healthy")).status_code == 200
        for wrong in ({"query": "rate("}, {}, {"query": text, "time": "yesterday"}):
            response = await client.get("/api/v1/query", params=wrong)
            assert response.status_code == 400
            assert response.json()["errorType"] == "bad_data"
            assert response.json()["status"] == "error"
        response = await client.get("/api/v1/query_range", params={**span, "step": "0"})
        assert response.status_code == 400
