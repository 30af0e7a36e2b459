"""probe_http: what a service says about its own health."""

import time

from core.errors import ToolError
from core.risk import Risk
from core.tool_call import ToolResult
from tools.environment import Environment
from tools.fetch import UnreachableError, fetch
from tools.spec import ServiceArguments, ToolSpec

_PATIENCE = 5.0
_MAX_BODY = 1000


class ProbeHttp(ServiceArguments):
    """Which service."""


def probe_http(environment: Environment) -> ToolSpec[ProbeHttp]:
    """GET the catalogue's health_url; a service that does not answer is a finding too (status_code 0)."""

    async def read(args: ProbeHttp) -> ToolResult:
        service = environment.service(args.service)
        url = service.health_url or service.url
        began = time.perf_counter()
        try:
            answer = await fetch(environment.http, "GET", url, timeout=_PATIENCE, limit=64 * 1024)
        except ToolError as error:
            status, body = 0, f"{'refused' if isinstance(error, UnreachableError) else 'no answer'}: {error}"
        else:
            status, body = answer.status, environment.secrets.text(answer.text)[:_MAX_BODY]
        seconds = round(time.perf_counter() - began, 4)
        said = f"answers {status} in {seconds:.3f} s" if status else f"does not answer ({body[:120]})"
        return ToolResult(
            status="ok",
            text=f"{service.name} {said}",
            data={"service": service.name, "url": url, "status_code": status, "seconds": seconds, "body": body},
        )

    return ToolSpec(
        name="probe_http",
        description="Asks a service's health address now: status code, seconds, body.",
        args=ProbeHttp,
        risk=Risk.READ,
        timeout=_PATIENCE + 2,
        read=read,
    )
