"""The panel's routes: faults, status and series as JSON, and the page that shows them. Not part of the supervisor."""

import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from demo.shop.shop import Shop

HERE = Path(__file__).parent


class Panel:
    """The routes over one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._changing = asyncio.Lock()

    def _faults(self) -> Response:
        return JSONResponse({"faults": self._shop.faults()})

    async def page(self, request: Request) -> Response:
        return FileResponse(HERE / "panel.html", headers={"Cache-Control": "no-cache"})

    async def asset(self, request: Request) -> Response:
        return FileResponse(HERE / request.path_params["name"], headers={"Cache-Control": "no-cache"})

    async def faults(self, request: Request) -> Response:
        return self._faults()

    async def inject(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in {fault["name"] for fault in self._shop.faults()}:
            return JSONResponse({"error": "not_found", "detail": f"there is no fault {name!r}"}, status_code=404)
        async with self._changing:
            await self._shop.inject(name)
        return self._faults()

    async def clear(self, request: Request) -> Response:
        async with self._changing:
            await self._shop.clear()
        return self._faults()

    async def status(self, request: Request) -> Response:
        health = await self._shop.health()
        status = self._shop.status()
        for service in status["services"]:
            service["health"] = health[service["name"]]
        return JSONResponse(status)

    async def series(self, request: Request) -> Response:
        return JSONResponse(self._shop.series())


def build_panel_app(shop: Shop) -> Starlette:
    """The panel's ASGI application; every URL in its page is relative, so it may be mounted anywhere."""
    panel = Panel(shop)
    return Starlette(
        routes=[
            Route("/", panel.page),
            Route("/faults", panel.faults),
            Route("/faults", panel.clear, methods=["DELETE"]),
            Route("/faults/{name}", panel.inject, methods=["POST"]),
            Route("/status", panel.status),
            Route("/series", panel.series),
            Route("/{name}", panel.asset, methods=["GET"]),
        ]
    )
