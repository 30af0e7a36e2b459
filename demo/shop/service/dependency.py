"""Calls to the service one hop further: measured, bounded in time, and remembered for the health answer."""

import asyncio
import time
from collections import deque

import httpx

from demo.shop.service.telemetry import Telemetry


class DependencyError(Exception):
    """The dependency answered with an error or could not be reached."""


class DependencyTimeoutError(DependencyError):
    """The dependency did not answer in time."""


class Dependency:
    """A client for one other service."""

    def __init__(self, name: str, url: str, telemetry: Telemetry) -> None:
        self.name = name
        self._telemetry = telemetry
        self._client = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)
        self._recent: deque[tuple[float, bool]] = deque(maxlen=20)

    @property
    def failing(self) -> bool:
        """Whether more than a tenth of the calls of the last five seconds failed."""
        recent = [ok for at, ok in self._recent if time.monotonic() - at < 5.0]
        return bool(recent) and recent.count(False) * 10 > len(recent)

    async def post(self, path: str, trace_id: str, timeout_s: float) -> None:
        """Call once. Raises DependencyTimeoutError after `timeout_s` seconds, DependencyError on any other failure."""
        started = time.perf_counter()
        outcome = "error"
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._send(path, trace_id)
            if response.status_code >= 500:
                raise DependencyError(f"{self.name} answered {response.status_code}: {response.text[:120]}")
            outcome = "ok"
        except TimeoutError as failure:
            outcome = "timeout"
            raise DependencyTimeoutError(f"{self.name} did not answer within {timeout_s * 1000:.0f} ms") from failure
        except httpx.HTTPError as failure:
            raise DependencyError(f"{self.name} unreachable: {type(failure).__name__}: {failure}") from failure
        finally:
            self._recent.append((time.monotonic(), outcome == "ok"))
            self._telemetry.call(self.name, outcome, time.perf_counter() - started)

    async def _send(self, path: str, trace_id: str) -> httpx.Response:
        headers = {"x-trace-id": trace_id}
        try:
            return await self._client.post(path, headers=headers)
        except httpx.TransportError:
            # A kept-alive connection closes under us whenever the other side is replaced; orders carry their trace id
            # as idempotency key, so one second try is safe.
            return await self._client.post(path, headers=headers)

    async def aclose(self) -> None:
        await self._client.aclose()
