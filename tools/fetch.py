"""One bounded HTTP exchange: no redirects, no compression, no more bytes than the caller can use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from pydantic import JsonValue

from core.errors import ToolError, ToolTimeoutError
from tools.spec import OutcomeUnknownError

MAX_BYTES = 4 * 1024 * 1024


class UnreachableError(ToolError):
    """Nobody listens there: the request never left, so nothing can have happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code and at most `limit` bytes of body; `complete` is False when there were more."""

    status: int
    body: bytes
    complete: bool

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become replacement characters."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> JsonValue:
        """The body as JSON; ValueError when it is not, or was cut short."""
        if not self.complete:
            raise ValueError("the answer is too long")
        try:
            return json.loads(self.body, parse_constant=_refuse)
        except RecursionError as error:
            raise ValueError("the answer is nested too deeply") from error


def _refuse(constant: str) -> JsonValue:
    raise ValueError(f"{constant} is not JSON")


async def fetch(
    http: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    json_body: JsonValue = None,
    timeout: float = 5.0,
    limit: int = MAX_BYTES,
) -> Answer:
    """Send one request; timeout in seconds for each phase.

    UnreachableError: nothing was sent. ToolTimeoutError or OutcomeUnknownError: it may have been received.
    """
    sent = {"Accept-Encoding": "identity", **(headers or {})}
    content: bytes | None = None
    if json_body is not None:
        # In ASCII, so that what JSON allows and UTF-8 does not (half a surrogate pair) arrives as it was approved.
        content = json.dumps(json_body, separators=(",", ":"), allow_nan=False).encode("ascii")
        sent["Content-Type"] = "application/json"
    try:
        async with http.stream(
            method, url, params=params, headers=sent, content=content, timeout=timeout, follow_redirects=False
        ) as response:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise OutcomeUnknownError(f"{_place(url)} answered in an encoding that was not asked for")
            return await _read(response, limit)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
        raise UnreachableError(f"{_place(url)} cannot be reached ({type(error).__name__})") from error
    except httpx.TimeoutException as error:
        raise ToolTimeoutError(f"{_place(url)} did not answer within {timeout:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise OutcomeUnknownError(f"{_place(url)} broke off the exchange ({type(error).__name__})") from error


async def _read(response: httpx.Response, limit: int) -> Answer:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            return Answer(response.status_code, bytes(body[:limit]), complete=False)
    return Answer(response.status_code, bytes(body), complete=True)


def _place(url: str) -> str:
    parts = httpx.URL(url)
    return f"{parts.host}:{parts.port}" if parts.port else parts.host
