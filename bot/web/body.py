"""How much of a request is read before anybody looks at it."""

import asyncio
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

MAX_BODY = 1024 * 1024
_SMALL = 64 * 1024
_LARGE_AT_ONCE = 16
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads at most 1 MiB of each request; large bodies, or such as do not say how large they are, sixteen at a time.

    So whoever may send bodies before we know who it is can fill 16 MiB of memory, not one MiB with each connection.
    """

    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_LARGE_AT_ONCE))

    async def read(self, request: Request) -> bytes:
        """Return the body; 413 above 1 MiB, 415 if compressed, 400 or 408 from senders that hang up or take longer than
        10 s, 503 when too many large ones are under way."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "compressed bodies are not accepted")
        told = request.headers.get("content-length", "")
        if told and not (told.isdecimal() and len(told) <= 9 and int(told) <= MAX_BODY):
            raise HTTPException(413, f"at most {MAX_BODY} bytes")
        try:
            async with asyncio.timeout(_PATIENCE):
                if told and int(told) <= _SMALL:
                    return await _collect(request)
                if self._large.locked():
                    raise HTTPException(503, "too many large bodies at once; send it again", {"Retry-After": "1"})
                async with self._large:
                    return await _collect(request)
        except ClientDisconnect:
            raise HTTPException(400, "the body did not come") from None
        except TimeoutError:
            raise HTTPException(408, "the body took too long") from None


async def _collect(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise HTTPException(413, f"at most {MAX_BODY} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
