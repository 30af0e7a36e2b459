"""The supervisor's HTTP API: open reads, token-guarded acts, and its own metrics."""

import json
import secrets
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.shop.supervisor.desired import unified_diff
from demo.shop.supervisor.ledger import ConflictError, Ledger, Request, preview
from demo.shop.supervisor.managed_service import ManagedService
from demo.shop.supervisor.operations import OPERATIONS, BadArgumentsError, pick_arguments

MAX_BODY_BYTES = 64 * 1024


class SupervisorCollector(Collector):
    """`up` and unplanned restarts, as only the supervisor can know them."""

    def __init__(self, services: dict[str, ManagedService]) -> None:
        self._services = services

    def collect(self) -> list[Metric]:
        label = ["service"]
        up = GaugeMetricFamily("up", "1 while the service has a serving process.", labels=label)
        restarts = CounterMetricFamily("service_restarts", "Restarts after an exit nobody asked for.", labels=label)
        for service in self._services.values():
            up.add_metric([service.name], float(service.status == "running"))
            restarts.add_metric([service.name], service.restarts)
        return [up, restarts]


def supervisor_metrics(services: dict[str, ManagedService]) -> CollectorRegistry:
    """The supervisor's own metrics."""
    registry = CollectorRegistry()
    registry.register(SupervisorCollector(services))
    return registry


def error(status: int, kind: str, detail: str, **more: Any) -> JSONResponse:
    return JSONResponse({"error": kind, "detail": detail, **more}, status_code=status)


async def read_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object sent. Raises BadArgumentsError for anything else."""
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as failure:
        raise BadArgumentsError("the body is not JSON") from failure
    if not isinstance(body, dict) or len(raw) > MAX_BODY_BYTES:
        raise BadArgumentsError("the body must be a small JSON object")
    return body


class SupervisorApi:
    """The routes over the services and the ledger."""

    def __init__(self, services: dict[str, ManagedService], ledger: Ledger, token: str) -> None:
        self._services = services
        self._ledger = ledger
        self._token = token
        self._registry = supervisor_metrics(services)

    def _service(self, request: HttpRequest) -> ManagedService:
        service = self._services.get(request.path_params["name"])
        if service is None:
            raise HTTPException(404, f"there is no service {request.path_params['name']!r}")
        return service

    def _authorised(self, request: HttpRequest) -> bool:
        offered = request.headers.get("authorization", "")
        return secrets.compare_digest(offered.encode(), f"Bearer {self._token}".encode())

    async def services(self, request: HttpRequest) -> Response:
        return JSONResponse({"services": [service.summary() for service in self._services.values()]})

    async def service(self, request: HttpRequest) -> Response:
        return JSONResponse(self._service(request).summary())

    async def deploys(self, request: HttpRequest) -> Response:
        return JSONResponse({"deploys": self._service(request).deploy_rows()})

    async def config(self, request: HttpRequest) -> Response:
        service = self._service(request)
        revision = service.histories.config_revision
        body = {"config": service.desired.config, "revision": revision, "history": service.config_rows()}
        return JSONResponse(body)

    async def actions(self, request: HttpRequest) -> Response:
        return JSONResponse({"actions": self._ledger.rows()})

    async def action(self, request: HttpRequest) -> Response:
        row = self._ledger.find(request.path_params["action_id"])
        return JSONResponse(row) if row is not None else error(404, "not_found", "no such action was carried out")

    async def metrics(self, request: HttpRequest) -> Response:
        return Response(generate_latest(self._registry), media_type="text/plain; version=0.0.4")

    async def act(self, request: HttpRequest) -> Response:
        """POST /services/{name}/{operation}: 200, 401, 404, 409 or 422."""
        if not self._authorised(request):
            return error(401, "unauthorised", "a bearer token is needed")
        service = self._service(request)
        operation = request.path_params["operation"]
        if operation not in OPERATIONS:
            raise HTTPException(404, f"there is no operation {operation!r}")
        try:
            return await self._act(service, operation, await read_body(request))
        except BadArgumentsError as failure:
            return error(422, "bad_arguments", str(failure))
        except ConflictError as failure:
            detail = "the service has changed meanwhile"
            return error(409, "conflict", detail, resource_version=failure.resource_version)

    async def _act(self, service: ManagedService, operation: str, body: dict[str, Any]) -> Response:
        expected, by = body.get("resource_version"), body.get("by", "unknown")
        if expected is not None and type(expected) is not int:
            raise BadArgumentsError("resource_version must be a whole number")
        if not isinstance(by, str) or type(body.get("dry_run", False)) is not bool:
            raise BadArgumentsError("by must be text and dry_run true or false")
        wish = Request(service, operation, pick_arguments(operation, body), by, expected)
        if body.get("dry_run"):
            return JSONResponse(dry_run(wish))
        action_id = body.get("action_id")
        if not isinstance(action_id, str) or not 0 < len(action_id) <= 200:
            raise BadArgumentsError("action_id must be 1 to 200 characters")
        return JSONResponse(await self._ledger.carry_out(action_id, wish))


def dry_run(wish: Request) -> dict[str, Any]:
    """What the wish would change; changes nothing."""
    before, after = preview(wish)
    return {
        "dry_run": True,
        "before": before.as_dict(),
        "after": after.as_dict(),
        "diff": unified_diff(wish.service.name, before, after),
        "resource_version": wish.service.resource_version,
    }


async def not_found(request: HttpRequest, failure: Exception) -> Response:
    detail = failure.detail if isinstance(failure, HTTPException) else "not found"
    return error(404, "not_found", detail)


def build_supervisor_app(services: dict[str, ManagedService], ledger: Ledger, token: str) -> Starlette:
    """The supervisor's ASGI application."""
    api = SupervisorApi(services, ledger, token)
    return Starlette(
        routes=[
            Route("/services", api.services),
            Route("/services/{name}", api.service),
            Route("/services/{name}/deploys", api.deploys),
            Route("/services/{name}/config", api.config, methods=["GET"]),
            Route("/services/{name}/{operation}", api.act, methods=["POST"]),
            Route("/actions", api.actions),
            Route("/actions/{action_id:path}", api.action),
            Route("/metrics", api.metrics),
        ],
        exception_handlers={404: not_found},
    )
