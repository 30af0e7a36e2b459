"""Is the process alive, and can the bot do its work."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]
ReadsOnly = Callable[[], Awaitable[str]]


async def _nothing() -> str:
    return ""


def health_routes(readiness: Readiness, reads_only: ReadsOnly = _nothing) -> list[Route]:
    """Return /healthz (this process) and /readyz (Slack connected, queue in reach, a worker alive; 503 until then).
    `reads_only` says why the worker changes nothing at the moment: it still takes and answers, so it is ready."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        checks = dict(await readiness())
        ready = all(checks.values())
        body = {"ready": ready, "checks": checks, "reads_only": await reads_only()}
        return JSONResponse(body, status_code=200 if ready else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
