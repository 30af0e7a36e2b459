"""The HTTP face of a shop service: one business route, health, readiness and metrics."""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.shop.service.dependency import DependencyError, DependencyTimeoutError
from demo.shop.service.node import POOL, ROUTES, Node

BAD_BUILD_SHARE = 0.6
USUAL_WORK_S = {"front": 0.002, "checkout": 0.004, "payments": 0.015}
SLOW_S = 0.25

Work = Callable[[Node, str], Awaitable[None]]


class RequestFailed(Exception):
    """One request cannot be served; carries the HTTP status and the words for the log."""

    def __init__(self, status: int, message: str, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.message = message
        self.error = error


async def buy(node: Node, trace_id: str) -> None:
    """front: hand the basket to checkout."""
    await call(node, "checkout", trace_id, float(node.orders.config["checkout_timeout_ms"]) / 1000)


async def checkout(node: Node, trace_id: str) -> None:
    """checkout: price the order, write it to the journal, have it paid."""
    node.ailments.leak()
    if node.orders.defect == "errors" and random.random() < BAD_BUILD_SHARE:
        raise RequestFailed(500, "unhandled error in /checkout", "KeyError: 'discount_rule' (checkout/pricing.py:88)")
    try:
        node.log.journal("info", "order accepted", route="/checkout", trace_id=trace_id)
    except OSError as failure:
        raise RequestFailed(500, "order could not be journalled", f"OSError: {failure}") from failure
    await call(node, "payments", trace_id, float(node.orders.config["payments_timeout_ms"]) / 1000)


async def charge(node: Node, trace_id: str) -> None:
    """payments: book the charge over a connection of the pool."""
    pool = node.pool
    assert pool is not None
    wait_ms = int(node.orders.config["db_pool_timeout_ms"])
    try:
        await pool.acquire(wait_ms / 1000)
    except TimeoutError as failure:
        in_use = f"{pool.in_use} of {pool.size} in use"
        detail = f"PoolTimeout: no connection of pool '{POOL}' within {wait_ms} ms ({in_use})"
        raise RequestFailed(503, "charge refused", detail) from failure
    if node.transaction_sticks():
        node.log.write("warn", "transaction left open, connection not returned", pool=POOL, trace_id=trace_id)
        return
    try:
        await asyncio.sleep(node.orders.extra_work_s)
    finally:
        pool.release()


async def call(node: Node, dependency: str, trace_id: str, timeout_s: float) -> None:
    """Call a dependency; its failure becomes a 502, its silence a 504."""
    try:
        await node.dependencies[dependency].post(ROUTES[dependency], trace_id, timeout_s)
    except DependencyTimeoutError as failure:
        raise RequestFailed(504, f"call to {dependency} timed out", f"TimeoutError: {failure}") from failure
    except DependencyError as failure:
        raise RequestFailed(502, f"call to {dependency} failed", str(failure)) from failure


WORK: dict[str, Work] = {"front": buy, "checkout": checkout, "payments": charge}


class Handlers:
    """The routes of one node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.route = ROUTES[node.name]

    async def business(self, request: Request) -> Response:
        """Take a worker, do the work, and leave metrics and a log line behind whatever happens."""
        node = self.node
        started = time.perf_counter()
        trace_id = request.headers.get("x-trace-id") or secrets.token_hex(8)
        status, failure = 200, None
        await node.workers.acquire()
        waited_s = time.perf_counter() - started
        try:
            await asyncio.sleep(USUAL_WORK_S[node.name])
            await WORK[node.name](node, trace_id)
        except RequestFailed as reason:
            status, failure = reason.status, reason
        finally:
            node.workers.release()
        seconds = time.perf_counter() - started
        node.answered(status, waited_s)
        node.telemetry.request(self.route, status, node.orders.version, seconds)
        self._log(trace_id, status, seconds, waited_s, failure)
        return JSONResponse({"status": status, "trace_id": trace_id}, status_code=status)

    def _log(self, trace_id: str, status: int, seconds: float, waited_s: float, failure: RequestFailed | None) -> None:
        fields = {"route": self.route, "trace_id": trace_id, "status": status, "duration_ms": round(seconds * 1000)}
        if failure is not None:
            self.node.log.write("error", failure.message, error=failure.error, **fields)
        elif seconds > SLOW_S:
            workers = self.node.workers
            fields |= {"waited_for_worker_ms": round(waited_s * 1000), "workers": workers.size}
            self.node.log.write("warn", "request served slowly", **fields)
        else:
            self.node.log.write("info", "request served", **fields)

    async def health(self, request: Request) -> Response:
        body = self.node.health()
        return JSONResponse(body, status_code=503 if body["status"] == "failing" else 200)

    async def ready(self, request: Request) -> Response:
        return JSONResponse({"ready": True, "version": self.node.orders.version})

    async def metrics(self, request: Request) -> Response:
        return Response(self.node.telemetry.text(), media_type="text/plain; version=0.0.4")


def build_service_app(node: Node) -> Starlette:
    """The ASGI application of one service."""
    handlers = Handlers(node)
    methods = ["GET"] if node.name == "front" else ["POST"]
    return Starlette(
        routes=[
            Route(handlers.route, handlers.business, methods=methods),
            Route("/healthz", handlers.health),
            Route("/readyz", handlers.ready),
            Route("/metrics", handlers.metrics),
        ]
    )
