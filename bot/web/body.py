"""How much of a request is read before anybody looks at it."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BODY = 1024 * 1024
_PATIENCE = 10.0


async def read_body(request: Request) -> bytes:
    """Return at most 1 MiB of body; 413 above it, 415 for compressed ones, 408 for senders slower than 10 s."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "compressed bodies are not accepted")
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > MAX_BODY:
        raise HTTPException(413, f"at most {MAX_BODY} bytes")
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise HTTPException(413, f"at most {MAX_BODY} bytes")
                chunks.append(chunk)
    except TimeoutError:
        raise HTTPException(408, "the body took too long") from None
    return b"".join(chunks)
