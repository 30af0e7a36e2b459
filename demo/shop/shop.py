"""The shop as one object: services, load, supervisor, metrics, alerts and faults, alive for the length of a block."""

import asyncio
import secrets
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import yaml
from prometheus_client import generate_latest

from demo.shop.alerts.engine import AlertEngine
from demo.shop.alerts.notices import Notifier
from demo.shop.baseline import SERVICES, ServicePlan
from demo.shop.clockwork import Clockwork
from demo.shop.embedded import serving
from demo.shop.faults import Faults
from demo.shop.load import SteadyLoad
from demo.shop.metrics.api import build_metrics_app
from demo.shop.metrics.scraper import Scraper
from demo.shop.metrics.store import MetricsStore
from demo.shop.supervisor.api import build_supervisor_app, supervisor_metrics
from demo.shop.supervisor.ledger import Ledger
from demo.shop.supervisor.managed_service import ManagedService, Place, reserve_port


class Shop:
    """`async with Shop(...)`: everything runs inside the block, and nothing is left behind after it."""

    def __init__(
        self, data_dir: Path, *, webhook_url: str | None, webhook_token: str | None = None, host: str = "127.0.0.1"
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._webhook = (webhook_url, webhook_token)
        self._host = host
        self._stack = AsyncExitStack()
        self._services: dict[str, ManagedService] = {}
        self.supervisor_token = secrets.token_urlsafe(24)
        self.supervisor_url = ""
        self.metrics_url = ""
        self.front_url = ""
        self.catalogue_path = self._data_dir / "services.yaml"

    async def __aenter__(self) -> "Shop":
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self._stack.aclose()

    async def inject(self, name: str) -> None:
        """Inject a fault. Raises KeyError for an unknown name."""
        await self._faults.inject(name)

    async def clear(self) -> None:
        """Heal everything that was injected."""
        await self._faults.clear()

    def faults(self) -> list[dict[str, Any]]:
        """Every fault with its state and its right remedy."""
        return self._faults.rows()

    def status(self) -> dict[str, Any]:
        """The services as the supervisor sees them, front first, and the alerts that are not quiet."""
        services = [service.summary() for service in reversed(self._services.values())]
        return {"services": services, "alerts": self._engine.rows()}

    def series(self) -> dict[str, Any]:
        """The recent points of error rate, p95 and memory of each service."""
        return self._clockwork.series()

    async def health(self) -> dict[str, dict[str, Any] | None]:
        """The health answer of every service; None where there is none within half a second."""
        answers = await asyncio.gather(*(self._health_of(service) for service in self._services.values()))
        return dict(zip(self._services, answers, strict=True))

    async def _health_of(self, service: ManagedService) -> dict[str, Any] | None:
        try:
            response = await self._client.get(f"{service.place.url}/healthz")
            return response.json()
        except (httpx.HTTPError, ValueError):
            return None

    async def _open(self, stack: AsyncExitStack) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._data_dir / "logs", ignore_errors=True)  # yesterday's logs would mislead today's reader
        self._client = await stack.enter_async_context(httpx.AsyncClient(timeout=0.5, trust_env=False))
        store = MetricsStore()
        self._engine = AlertEngine(store)
        # The servers open first and therefore close last: whoever still asks gets an answer.
        metrics_app = build_metrics_app(store, self._engine.rows)
        self.metrics_url = await stack.enter_async_context(serving(metrics_app, self._host))
        ledger = Ledger()
        supervisor_app = build_supervisor_app(self._services, ledger, self.supervisor_token)
        self.supervisor_url = await stack.enter_async_context(serving(supervisor_app, self._host))
        await self._start_services(stack)
        stack.push_async_callback(ledger.settle)
        self._faults = Faults(self._services, self._engine)
        self._write_catalogue()
        load = SteadyLoad(self.front_url)
        stack.push_async_callback(load.aclose)
        load.start()
        await self._start_clockwork(stack, store)

    async def _start_services(self, stack: AsyncExitStack) -> None:
        """Create all services, dependencies first, and start them at once."""
        for plan in SERVICES:
            holder = stack.enter_context(reserve_port(self._host))
            service = self._build_service(plan, holder.getsockname()[1])
            self._services[plan.name] = service
        stack.push_async_callback(self._stop_services)
        await asyncio.gather(*(service.start() for service in self._services.values()))
        self.front_url = self._services["front"].place.url

    async def _stop_services(self) -> None:
        await asyncio.gather(*(service.stop() for service in self._services.values()))

    def _build_service(self, plan: ServicePlan, port: int) -> ManagedService:
        log_dir = self._data_dir / "logs" / plan.name
        log_dir.mkdir(parents=True, exist_ok=True)
        dependencies = {name: self._services[name].place.url for name in plan.depends_on}
        place = Place(plan.name, self._host, port, log_dir, dependencies, plan.team)
        return ManagedService(place, plan.desired, plan.histories())

    async def _start_clockwork(self, stack: AsyncExitStack, store: MetricsStore) -> None:
        registry = supervisor_metrics(self._services)
        urls = [f"{service.place.url}/metrics" for service in self._services.values()]
        scraper = Scraper(store, urls, lambda: generate_latest(registry).decode())
        url, token = self._webhook
        notifier = Notifier(url, token, self.metrics_url) if url else None
        if notifier is not None:
            stack.push_async_callback(notifier.aclose)
        self._clockwork = Clockwork(store, scraper, self._engine, notifier)
        stack.push_async_callback(self._clockwork.aclose)
        self._clockwork.start()

    def _write_catalogue(self) -> None:
        rows = [catalogue_row(service) for service in reversed(self._services.values())]
        urls = {"prometheus_url": self.metrics_url, "supervisor_url": self.supervisor_url}
        self.catalogue_path.write_text(yaml.safe_dump({"services": rows, **urls}, sort_keys=False))


def catalogue_row(service: ManagedService) -> dict[str, Any]:
    """One service as the catalogue file lists it."""
    place = service.place
    return {
        "name": service.name,
        "env": "prod",
        "url": place.url,
        "metrics_url": f"{place.url}/metrics",
        "health_url": f"{place.url}/healthz",
        "log_files": place.log_files,
        "depends_on": list(place.dependencies),
        "team": place.team,
    }
