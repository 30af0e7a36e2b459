"""A steady stream of shoppers: a fixed pace, and a fixed number of them, so a slow shop is not buried in requests."""

import asyncio
import random

import httpx

BUYS_PER_SECOND = 7.5
SHOPPERS = 7


class SteadyLoad:
    """Buys at front again and again; a shopper who is still waiting does not start another order."""

    def __init__(self, front_url: str) -> None:
        limits = httpx.Limits(max_connections=SHOPPERS)
        self._client = httpx.AsyncClient(base_url=front_url, timeout=10, limits=limits, trust_env=False)
        self._orders: set[asyncio.Task[None]] = set()
        self._pace: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._pace = asyncio.create_task(self._keep_pace())

    async def aclose(self) -> None:
        tasks = [*self._orders, *([self._pace] if self._pace else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def _keep_pace(self) -> None:
        while True:
            if len(self._orders) < SHOPPERS:
                order = asyncio.create_task(self._buy())
                self._orders.add(order)
                order.add_done_callback(self._orders.discard)
            await asyncio.sleep(random.uniform(0.8, 1.2) / BUYS_PER_SECOND)

    async def _buy(self) -> None:
        try:
            await self._client.get("/buy")
        except httpx.TransportError:
            # The connection closed because front was replaced: a shopper presses reload once, and then goes away.
            try:
                await self._client.get("/buy")
            except httpx.HTTPError:
                return
