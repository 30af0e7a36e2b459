"""Is the process alive, and can the bot do its work."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]


def health_routes(readiness: Readiness) -> list[Route]:
    """Return /healthz (this process) and /readyz (Slack connected, queue in reach, a worker alive; 503 until then)."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        checks = dict(await readiness())
        ready = all(checks.values())
        return JSONResponse({"ready": ready, "checks": checks}, status_code=200 if ready else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
