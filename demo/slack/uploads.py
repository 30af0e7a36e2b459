"""File bytes: the upload URL that apps write to and the address that pages read from."""

import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from demo.slack.objects import file_json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


def upload_secret(file_id: str) -> str:
    """The part of an upload URL that nobody guesses."""
    return hmac.new(b"local-upload", file_id.encode(), "sha256").hexdigest()[:24]


async def receive_upload(ws: "Workspace", request: Request) -> Response:
    """Take raw bytes (Python) or a multipart form (Node); answers `OK - <length>`."""
    file = ws.state.files.get(request.path_params["file_id"])
    if file is None or request.path_params["secret"] != upload_secret(file.id) or file.completed:
        return PlainTextResponse("file_not_found", 404)
    if request.headers.get("content-type", "").startswith("multipart/"):
        async with request.form() as form:
            part = next((v for v in form.values() if isinstance(v, UploadFile)), None)
            data = await part.read() if part else b""
    else:
        data = await request.body()
    if len(data) != file.size:
        return PlainTextResponse("length mismatch", 400)
    file.content = data
    return PlainTextResponse(f"OK - {len(data)}")


async def serve_file(ws: "Workspace", request: Request) -> Response:
    """The bytes of a completed upload."""
    file = ws.state.files.get(request.path_params["file_id"])
    if file is None or file.content is None:
        return PlainTextResponse("file_not_found", 404)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return Response(file.content, media_type=file_json(file, "")["mimetype"], headers=headers)
