"""The one web application of the web role."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from bot.web.problems import PREFIX, problem_response, refusal_response


def build_site(routes: Sequence[BaseRoute]) -> Starlette:
    """Return the application; errors are answered as {"ok": false, "error": sentence}, those of the API as problems,
    never with a traceback."""
    return Starlette(routes=list(routes), exception_handlers={HTTPException: _refuse, Exception: _fail})


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(PREFIX):
        return refusal_response(error)
    return JSONResponse({"ok": False, "error": error.detail}, error.status_code, headers=error.headers)


async def _fail(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(PREFIX):
        return problem_response(500)
    return JSONResponse({"ok": False, "error": "internal error"}, 500)
