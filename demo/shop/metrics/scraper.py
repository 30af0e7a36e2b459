"""Reads every target's /metrics once a second into the store."""

import asyncio
import time
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from demo.shop.metrics.store import NAME, MetricsStore, Series

SCRAPE_TIMEOUT_S = 0.9


class Scraper:
    """Scrapes service targets over HTTP, and the supervisor's metrics from a function."""

    def __init__(self, store: MetricsStore, urls: list[str], local: Callable[[], str]) -> None:
        self._store = store
        self._urls = urls
        self._local = local
        self._client = httpx.AsyncClient(timeout=SCRAPE_TIMEOUT_S, trust_env=False)
        self._live: dict[str, set[Series]] = {}

    async def scrape(self) -> float:
        """Scrape all targets at once; returns the time of the samples (Unix seconds)."""
        texts = await asyncio.gather(*(self._fetch(url) for url in self._urls))
        at = time.time()
        for target, text in zip([*self._urls, "local"], [*texts, self._local()], strict=True):
            self._take_in(target, text, at)
        return at

    async def _fetch(self, url: str) -> str:
        """The metrics text; empty when the target does not answer in time."""
        try:
            response = await self._client.get(url)
        except httpx.HTTPError:
            return ""
        return response.text if response.status_code == 200 else ""

    def _take_in(self, target: str, text: str, at: float) -> None:
        seen: set[Series] = set()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                seen.add(self._store.add(at, {NAME: sample.name, **sample.labels}, sample.value))
        self._store.end(at, self._live.get(target, set()) - seen)
        self._live[target] = seen

    async def aclose(self) -> None:
        await self._client.aclose()
