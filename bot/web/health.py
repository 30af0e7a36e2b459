"""Is the process alive, can the bot do its work, and how far behind is it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]
Word = Callable[[], Awaitable[str]]
Backlog = Callable[[], Awaitable[Mapping[str, Mapping[str, float]]]]


async def _nothing() -> str:
    return ""


async def _unknown() -> Mapping[str, Mapping[str, float]]:
    return {}


def health_routes(
    readiness: Readiness, reads_only: Word = _nothing, backlog: Backlog = _unknown, notes: Word = _nothing
) -> list[Route]:
    """Return /healthz (this process) and /readyz (Slack connected, queue in reach, a worker alive; 503 until then).

    `reads_only` says why the worker changes nothing at the moment: it still takes and answers, so it is ready.
    `notes` says what else is amiss, such as a policy file that was refused. `backlog` is shown beside: what waits, what
    is under way, and the age of the oldest, for each stream."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        found, why, behind, amiss = await asyncio.gather(readiness(), reads_only(), backlog(), notes())
        ready = all(found.values())
        body = {"ready": ready, "checks": dict(found), "reads_only": why, "notes": amiss, "queue": dict(behind)}
        return JSONResponse(body, status_code=200 if ready else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
