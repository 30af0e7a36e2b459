"""The one web application of the web role."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute


def build_site(routes: Sequence[BaseRoute]) -> Starlette:
    """Return the application; errors are answered as {"ok": false, "error": sentence}, never with a traceback."""
    return Starlette(routes=list(routes), exception_handlers={HTTPException: _refuse, Exception: _fail})


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"ok": False, "error": error.detail}, error.status_code, headers=error.headers)


async def _fail(_: Request, error: Exception) -> Response:
    return JSONResponse({"ok": False, "error": "internal error"}, 500)
