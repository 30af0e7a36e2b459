"""What happens once a second: scrape, judge the rules, send notices, keep the points of the sparklines."""

import asyncio
import contextlib
from collections import deque
from typing import Any

from demo.shop.alerts.engine import AlertEngine
from demo.shop.alerts.notices import Notifier
from demo.shop.metrics.evaluate import Evaluation
from demo.shop.metrics.scraper import Scraper
from demo.shop.metrics.store import MetricsStore
from demo.shop.metrics.syntax import parse

PERIOD_S = 1.0
SPARK_POINTS = 90
SPARKS = {
    "error_rate": parse(
        'sum by (service) (rate(http_requests_total{code=~"5.."}[5s]))'
        " / sum by (service) (rate(http_requests_total[5s]))"
    ),
    "p95_s": parse("histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[5s])))"),
    "memory_bytes": parse("max by (service) (process_resident_memory_bytes)"),
}


class Clockwork:
    """The once-a-second loop."""

    def __init__(self, store: MetricsStore, scraper: Scraper, engine: AlertEngine, notifier: Notifier | None) -> None:
        self._store = store
        self._scraper = scraper
        self._engine = engine
        self._notifier = notifier
        self._points: deque[tuple[float, dict[str, dict[str, float]]]] = deque(maxlen=SPARK_POINTS)
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop. Raises what broke the loop, if anything did."""
        if self._loop is not None:
            self._loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._loop
        await self._scraper.aclose()

    def series(self) -> dict[str, Any]:
        """The last points: times in Unix seconds, and per service and measure one value (or null) per time."""
        services = {name: {spark: self._line(spark, name) for spark in SPARKS} for name in self._services()}
        return {"times": [at for at, _ in self._points], "services": services}

    def _services(self) -> list[str]:
        return sorted({name for _, point in self._points for values in point.values() for name in values})

    def _line(self, spark: str, service: str) -> list[float | None]:
        values = [point[spark].get(service) for _, point in self._points]
        return [None if value is None or value != value else round(value, 4) for value in values]

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            at = await self._scraper.scrape()
            alerts = self._engine.evaluate(at)
            if self._notifier is not None:
                self._notifier.take(alerts)
            self._remember(at)
            due = max(due + PERIOD_S, clock())  # a late tick does not make the next ones hurry
            await asyncio.sleep(due - clock())

    def _remember(self, at: float) -> None:
        point: dict[str, dict[str, float]] = {}
        for spark, node in SPARKS.items():
            result = Evaluation(self._store, at).run(node)
            assert isinstance(result, list)
            point[spark] = {sample.labels["service"]: sample.value for sample in result}
        self._points.append((at, point))
