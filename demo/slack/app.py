"""Puts the workspace behind HTTP: Web API, sockets, files, page and control API."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from demo.slack.control import control_routes
from demo.slack.incoming_webhooks import accept_webhook
from demo.slack.state import Json
from demo.slack.uploads import receive_upload, serve_file
from demo.slack.web_api import serve_method
from demo.slack.workspace import Workspace

PAGE = Path(__file__).parent / "page"


def build_app(workspace: Workspace) -> Starlette:
    """The ASGI application of a workspace, to be mounted at the root."""

    def on(handler: Callable[[Workspace, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if not workspace.base_url:
                workspace.base_url = str(request.base_url).rstrip("/")
            return await handler(workspace, request)

        return endpoint

    routes: list[BaseRoute] = [
        Route("/", on(_index)),
        Route("/archives/{rest:path}", on(_index)),
        Route("/api/{method}", on(serve_method), methods=["GET", "POST"]),
        WebSocketRoute("/link/", workspace.sockets.serve),
        Route("/files-upload/{file_id}/{secret}", on(receive_upload), methods=["POST", "PUT"]),
        Route("/files/{file_id}/{name:path}", on(serve_file)),
        Route("/services/{team}/{bot}/{key}", on(accept_webhook), methods=["POST"]),
        Route("/response/{key}", on(_response_url), methods=["POST"]),
        Mount("/page", StaticFiles(directory=PAGE, check_dir=False)),
        *control_routes(workspace),
    ]
    return Starlette(routes=routes)


async def _index(ws: Workspace, request: Request) -> Response:
    index = PAGE / "index.html"
    return FileResponse(index) if index.is_file() else PlainTextResponse("The page is not built.", 404)


async def _response_url(ws: Workspace, request: Request) -> Response:
    try:
        body: Any = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return JSONResponse({"ok": False, "error": "invalid_payload"}, status_code=400)
    status, answer = ws.response_urls.answer(request.path_params["key"], body)
    return JSONResponse(answer, status_code=status)


class _Line(WebSocketsSansIOProtocol):
    """A socket that does not keep the server from ending: its peer may be leaving in the same moment."""

    def shutdown(self) -> None:
        try:
            super().shutdown()
        except InvalidState:  # goodbyes were exchanged, and what is still to be written has no reader
            self.transport.abort()


class _Server(uvicorn.Server):
    """A server that leaves the process's signal handlers alone and stops as soon as it is told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        ticks = 0
        while not self._told.is_set() and not await self.on_tick(ticks):
            ticks += 10
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    def stop(self) -> None:
        """End the main loop."""
        self._told.set()


class LocalWorkspace:
    """A workspace on a local port, served in the running loop: `async with LocalWorkspace() as ws`."""

    def __init__(self, port: int = 0, panels: Sequence[Json] = (), host: str = "127.0.0.1") -> None:
        self.workspace = Workspace(panels=panels)
        self.app = build_app(self.workspace)
        self._bind = (host, port)
        self.url = ""

    async def __aenter__(self) -> Self:
        # With the protocol named, asyncio turns Nagle off; without it every kept-alive answer waits 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self._bind)
        self.url = self.workspace.base_url = f"http://{self._bind[0]}:{listener.getsockname()[1]}"
        config = uvicorn.Config(self.app, ws=_Line, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        self._server = _Server(config)
        self.workspace.abort_connection = self._abort
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            await asyncio.sleep(0.005)
            if self._serving.done():
                await self._serving
        self._client = httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=60)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()
        self._server.stop()
        await self._serving
        await self.workspace.close()

    async def get(self, path: str, **query: Any) -> Json:
        """GET a control address (`state`, `history` ...) and give its JSON."""
        return (await self._client.get(f"/control/{path}", params=query)).json()

    async def post(self, path: str, body: Json | None = None, **fields: Any) -> Json:
        """POST to a control address; `as_` stands for the field `as`."""
        sent = {("as" if k == "as_" else k): v for k, v in fields.items()}
        return (await self._client.post(f"/control/{path}", json={**(body or {}), **sent})).json()

    async def serve_forever(self) -> None:
        """Stay up until cancelled."""
        await self._serving

    def _abort(self, peer: tuple[str, int]) -> bool:
        """Cut the TCP connection of a peer without a closing frame."""
        for protocol in list(self._server.server_state.connections):
            transport: Any = getattr(protocol, "transport", None)
            if transport is not None and transport.get_extra_info("peername")[:2] == peer:
                transport.abort()
                return True
        return False


__all__ = ["LocalWorkspace", "build_app"]
