"""A route whose page is built when somebody first asks for it: until then its packages cost neither memory nor time."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def late_route(path: str, build: Callable[[], Route]) -> Route:
    """Return a GET route that answers as the built one does; `build` is called once."""
    built: list[Route] = []

    async def answer(request: Request) -> Response:
        if not built:
            built.append(build())
        return await built[0].endpoint(request)

    return Route(path, answer, methods=["GET"])
