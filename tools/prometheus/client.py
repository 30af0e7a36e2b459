"""Prometheus' HTTP query API, read strictly and cut to size."""

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

import httpx
from pydantic import JsonValue

from core.errors import NoDataError, ToolArgumentsError, ToolError
from tools.environment import Environment
from tools.fetch import fetch
from tools.secrets import SecretFilter

MAX_SERIES = 200
MAX_LABELS = 12
MAX_LABEL_CHARS = 120


class Sampled(NamedTuple):
    """One series: its labels and its finite samples as (unix seconds, value)."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class PrometheusClient:
    """Reads one Prometheus; ToolArgumentsError when it rejects the query, ToolError when it cannot be understood."""

    def __init__(self, http: httpx.AsyncClient, url: str, secrets: SecretFilter) -> None:
        self._secrets = secrets
        self._http = http
        self._url = url

    async def instant(self, query: str) -> list[Sampled]:
        """Return the present value of each series (one point each)."""
        return await self._query("query", {"query": query})

    async def range(self, query: str, start: float, end: float, step: float) -> list[Sampled]:
        """Return each series between two unix times, one sample each `step` seconds."""
        times = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return await self._query("query_range", {"query": query, **times})

    async def _query(self, path: str, params: Mapping[str, str]) -> list[Sampled]:
        answer = await fetch(self._http, "GET", f"{self._url}/api/v1/{path}", params=params)
        try:
            body = answer.json()
        except ValueError as error:
            raise ToolError(f"Prometheus answered {answer.status} with something that is not JSON") from error
        if not isinstance(body, dict) or body.get("status") != "success":
            self._reject(answer.status, body)
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            raise ToolError("Prometheus answered without data")
        found = _series(data.get("resultType"), data.get("result"))
        return [self._tidy(one) for one in found[:MAX_SERIES]]

    def _tidy(self, one: Sampled) -> Sampled:
        """Filter labels before cutting them: half a secret no longer looks like one."""
        labels = [(self._secrets.text(name), self._secrets.text(text)) for name, text in one.labels.items()]
        kept = labels[:MAX_LABELS]
        return Sampled({name[:MAX_LABEL_CHARS]: text[:MAX_LABEL_CHARS] for name, text in kept}, one.points)

    def _reject(self, status: int, body: JsonValue) -> None:
        reason = str(body.get("error", "")) if isinstance(body, dict) else ""
        if status in (400, 422):
            raise ToolArgumentsError(f"Prometheus does not accept the query: {reason[:5000] or 'bad query'}")
        raise ToolError(f"Prometheus answered {status}: {reason[:5000] or 'no reason given'}")


def _series(kind: JsonValue, result: JsonValue) -> list[Sampled]:
    if kind == "scalar":
        return _kept([Sampled({}, _samples([result]))])
    if kind not in ("vector", "matrix") or not isinstance(result, list):
        raise ToolError(f"Prometheus answered with a result of type {str(kind)[:20]!r}")
    return _kept([_one(item) for item in result])


def _kept(series: list[Sampled]) -> list[Sampled]:
    kept = [one for one in series if one.points]
    if not kept:
        raise NoDataError("no series matches the query now" if not series else "the query gives no finite number")
    return kept


def _one(item: JsonValue) -> Sampled:
    if not isinstance(item, dict):
        raise ToolError("Prometheus answered with a series that is no object")
    metric, values = item.get("metric"), item.get("values", [item.get("value")])
    if not isinstance(metric, dict) or not isinstance(values, list):
        raise ToolError("Prometheus answered with a series without labels or values")
    return Sampled({key: str(value) for key, value in metric.items()}, _samples(values))


def _samples(values: list[JsonValue]) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    for pair in values:
        if not isinstance(pair, list) or len(pair) != 2 or not _is_number(pair[0]):
            raise ToolError("Prometheus answered with a sample that is no pair")
        try:
            value = float(str(pair[1]))
        except ValueError as error:
            raise ToolError("Prometheus answered with a sample that is no number") from error
        if math.isfinite(value):  # NaN is how Prometheus says 0/0: no sample, and no JSON
            points.append((float(pair[0]), value))
    return points


def _is_number(value: JsonValue) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def client_of(environment: Environment) -> PrometheusClient | None:
    """Return the client of the environment's Prometheus, or None when it has none."""
    if not environment.prometheus_url:
        return None
    return PrometheusClient(environment.http, environment.prometheus_url, environment.secrets)
