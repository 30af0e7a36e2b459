"""The Web API's front door."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from .workspace import Workspace


async def serve_method(ws: "Workspace", request: Request) -> Response:
    """Answer one Web API call."""
    return JSONResponse({"ok": False, "error": "unknown_method"})
