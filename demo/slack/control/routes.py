"""Binds /control/* to its handlers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from demo.slack.control import acts, modals, reads, surfaces, switches
from demo.slack.errors import ControlError, SlackError
from demo.slack.state import Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

Handler = Callable[["Workspace", Json], Awaitable[Any]]

_READS: dict[str, Handler] = {
    "state": reads.read_state,
    "history": reads.read_history,
    "wait": reads.wait_for_message,
    "calls": reads.read_calls,
    "deliveries": reads.read_deliveries,
    "view": reads.read_views,
    "panels": reads.read_panels,
    "transcript": reads.read_transcript,
}
_ACTS: dict[str, Handler] = {
    "post": acts.post_as_person,
    "edit": acts.edit_as_person,
    "delete": acts.delete_as_person,
    "bot_post": acts.post_as_bot,
    "bot_edit": acts.edit_as_bot,
    "reaction": acts.react,
    "stop": acts.stop_agent,
    "slash": surfaces.run_slash,
    "click": surfaces.click,
    "view_submit": modals.submit_view,
    "view_close": modals.close_view,
    "shortcut": surfaces.run_shortcut,
    "home_open": surfaces.open_home,
    "apps": switches.add_app,
    "apps/{app_id}": switches.change_app,
    "faults": switches.set_faults,
    "clock": switches.set_clock,
    "redeliver": switches.redeliver,
}


def control_routes(ws: "Workspace") -> list[BaseRoute]:
    """All routes below /control."""
    routes: list[BaseRoute] = [WebSocketRoute("/control/live", _live(ws))]
    for name, handler in _READS.items():
        routes.append(Route(f"/control/{name}", _endpoint(ws, handler), methods=["GET"]))
    for name, handler in _ACTS.items():
        routes.append(Route(f"/control/{name}", _endpoint(ws, handler), methods=["POST"]))
    return routes


def _endpoint(ws: "Workspace", handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        if _is_foreign(request):
            return JSONResponse({"ok": False, "error": "foreign_origin", "detail": "Not for other sites."}, 403)
        try:
            result = await handler(ws, await _arguments(request))
        except ControlError as error:
            answer = {"ok": False, "error": error.code, "detail": error.args[0], **error.extra}
            return JSONResponse(answer, status_code=error.status)
        except SlackError as error:
            detail = "; ".join(error.extra.get("errors", [])) or "Slack would refuse this content."
            return JSONResponse({"ok": False, "error": error.code, "detail": detail}, status_code=400)
        if isinstance(result, str):
            return PlainTextResponse(result, media_type="text/markdown")
        return JSONResponse({"ok": True, **result})

    return respond


def _is_foreign(connection: HTTPConnection) -> bool:
    """Whether a browser sent this from a page of another site."""
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != connection.headers.get("host")


async def _arguments(request: Request) -> Json:
    arguments: Json = dict(request.query_params)
    raw = await request.body()
    if raw:
        try:
            body: Any = json.loads(raw)
        except ValueError:
            raise ControlError("invalid_json", "The body is not JSON.") from None
        if not isinstance(body, dict):
            raise ControlError("invalid_json", "The body must be a JSON object.")
        arguments |= body
    return arguments | request.path_params


def _live(ws: "Workspace") -> Callable[[WebSocket], Awaitable[None]]:
    async def serve(socket: WebSocket) -> None:
        user_id = socket.query_params.get("as", "")
        if user_id not in ws.state.users or _is_foreign(socket):
            await socket.close(4404)
            return
        await socket.accept()
        queue = ws.live.join(user_id)
        reader = asyncio.create_task(_until_closed(socket))
        writer = asyncio.create_task(_pump(socket, queue))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ws.live.leave(queue)
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    return serve


async def _until_closed(socket: WebSocket) -> None:
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, RuntimeError):
        return


async def _pump(socket: WebSocket, queue: "asyncio.Queue[Json]") -> None:
    while True:
        try:
            await socket.send_json(await queue.get())
        except (WebSocketDisconnect, RuntimeError):
            return
