"""The store behind the part of Prometheus' HTTP API that alerts, plots and investigations need."""

import math
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from demo.shop.metrics.evaluate import Vector, query, query_range
from demo.shop.metrics.store import MetricsStore
from demo.shop.metrics.syntax import QueryError, parse_duration


def format_value(value: float) -> str:
    """A float as Prometheus writes it: shortest digits, no exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(float(value))), "f")
    return text[:-2] if text.endswith(".0") else text


def parse_time(text: str) -> float:
    """Unix seconds from a number or an RFC 3339 text. Raises QueryError."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as failure:
        raise QueryError(f"cannot parse {text!r} to a valid timestamp") from failure


def parse_step(text: str) -> float:
    """Seconds from a number or a duration. Raises QueryError."""
    try:
        return float(text)
    except ValueError:
        return parse_duration(text)


def success(data: dict[str, Any]) -> Response:
    return JSONResponse({"status": "success", "data": data})


def instant_data(result: float | Vector, at: float) -> dict[str, Any]:
    """An instant result in Prometheus' shape."""
    if not isinstance(result, list):
        return {"resultType": "scalar", "result": [at, format_value(result)]}
    rows = [{"metric": sample.labels, "value": [at, format_value(sample.value)]} for sample in result]
    return {"resultType": "vector", "result": rows}


async def parameters(request: Request) -> dict[str, str]:
    """Query string and form fields together."""
    found = dict(request.query_params)
    if request.method == "POST":
        form = await request.form()
        found |= {key: value for key, value in form.items() if isinstance(value, str)}
    return found


class MetricsApi:
    """The routes; `alerts` yields the rows of /api/v1/alerts."""

    def __init__(self, store: MetricsStore, alerts: Callable[[], list[dict[str, Any]]]) -> None:
        self._store = store
        self._alerts = alerts

    async def query(self, request: Request) -> Response:
        given = await parameters(request)
        at = parse_time(given["time"]) if given.get("time") else time.time()
        return success(instant_data(query(self._store, self._required(given, "query"), at), at))

    async def query_range(self, request: Request) -> Response:
        given = await parameters(request)
        start, end = parse_time(self._required(given, "start")), parse_time(self._required(given, "end"))
        step = parse_step(self._required(given, "step"))
        found = query_range(self._store, self._required(given, "query"), start, end, step)
        rows = [{"metric": m, "values": [[at, format_value(v)] for at, v in values]} for m, values in found]
        return success({"resultType": "matrix", "result": rows})

    async def alerts(self, request: Request) -> Response:
        return success({"alerts": self._alerts()})

    async def names(self, request: Request) -> Response:
        return JSONResponse({"status": "success", "data": self._store.names()})

    async def healthy(self, request: Request) -> Response:
        return PlainTextResponse("Prometheus Server is Healthy.\n")

    @staticmethod
    def _required(given: dict[str, str], name: str) -> str:
        if not given.get(name):
            raise QueryError(f"missing parameter {name!r}")
        return given[name]


async def bad_data(request: Request, failure: Exception) -> Response:
    body = {"status": "error", "errorType": "bad_data", "error": str(failure)}
    return JSONResponse(body, status_code=400)


def build_metrics_app(store: MetricsStore, alerts: Callable[[], list[dict[str, Any]]]) -> Starlette:
    """The ASGI application of the metrics store."""
    api = MetricsApi(store, alerts)
    both = ["GET", "POST"]
    return Starlette(
        routes=[
            Route("/api/v1/query", api.query, methods=both),
            Route("/api/v1/query_range", api.query_range, methods=both),
            Route("/api/v1/alerts", api.alerts),
            Route("/api/v1/label/__name__/values", api.names),
            Route("/-/healthy", api.healthy),
            Route("/-/ready", api.healthy),
        ],
        exception_handlers={QueryError: bad_data},
    )
