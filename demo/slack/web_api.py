"""The Web API's front door: tokens, scopes, faults, rate limits, and the answer around each method."""

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from demo.slack.arguments import Call, read_arguments
from demo.slack.errors import SlackError
from demo.slack.faults import MethodFault
from demo.slack.methods import METHODS, Method
from demo.slack.rates import POST_BURST, POST_PER_MINUTE, SPECIAL
from demo.slack.state import App, Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


class _RateLimitedError(Exception):
    """The call came too soon."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(str(retry_after))
        self.retry_after = retry_after


async def serve_method(ws: "Workspace", request: Request) -> Response:
    """Answer one Web API call and write it into the log of calls."""
    name = request.path_params["method"]
    ws.call_count += 1
    entry: Json = {"n": ws.call_count, "at": time.time(), "method": name, "app_id": None, "args": {}}
    response = await _respond(ws, request, name, entry)
    entry["status"] = response.status_code
    ws.calls.append(entry)
    ws.live.publish({"type": "call", "n": entry["n"]}, [])
    return response


async def _respond(ws: "Workspace", request: Request, name: str, entry: Json) -> Response:
    headers: dict[str, str] = {}
    try:
        args, warnings = await read_arguments(request)
        token = _token(request, args)
        entry["args"] = {k: v for k, v in args.items() if k != "token"}
        app = ws.state.app_of_token(token)
        entry["app_id"] = app.id if app else None
        fault = ws.faults.take(name)
        if fault:
            refusal = await _suffer(fault)
            if refusal is not None:
                return _logged(refusal, entry, fault.error or f"http_{fault.status}")
        answer, headers = await _perform(ws, request, name, app, token, args, warnings)
        entry |= {"response_ok": True, "error": None}
        return JSONResponse(answer, headers=headers)
    except SlackError as error:
        body = {"ok": False, "error": error.code, **error.extra}
        return _logged(JSONResponse(body, headers=headers), entry, error.code)
    except _RateLimitedError as error:
        return _logged(_too_many(error.retry_after), entry, "ratelimited")


def _logged(response: Response, entry: Json, code: str) -> Response:
    entry |= {"response_ok": False, "error": code}
    return response


def _too_many(retry_after: int) -> Response:
    headers = {"Retry-After": str(retry_after)}
    return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)


async def _suffer(fault: MethodFault) -> Response | None:
    """Wait and fail as armed; None lets the call through."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.status == 429:
        return _too_many(fault.retry_after)
    if fault.status >= 500:
        return PlainTextResponse("internal error", status_code=fault.status)
    if fault.error:
        return JSONResponse({"ok": False, "error": fault.error})
    return None


def _token(request: Request, args: Json) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else str(args.get("token") or "")


async def _perform(
    ws: "Workspace", request: Request, name: str, app: App | None, token: str, args: Json, warnings: list[str]
) -> tuple[Json, dict[str, str]]:
    found = METHODS.get(name)
    if found is None:
        raise SlackError("unknown_method", req_method=name)
    if found.token != "none":
        app = _authorised(ws, found, app, token)
    # A method without a token is answered in the name of no one; the seed app stands in for the type's sake.
    caller = app or next(iter(ws.state.apps.values()))
    _limit(ws, found, caller, args)
    call = Call(ws, caller, args, str(request.base_url).rstrip("/"))
    answer: Json = {"ok": True, **(await found.handler(call) or {})}
    warnings = warnings + call.warnings
    if warnings:
        answer["warning"] = ",".join(warnings)
        answer["response_metadata"] = {**answer.get("response_metadata", {}), "warnings": warnings}
    return answer, _scope_headers(found, caller)


def _scope_headers(method: Method, app: App) -> dict[str, str]:
    return {"x-oauth-scopes": ",".join(app.scopes), "x-accepted-oauth-scopes": ",".join(method.scopes)}


def _authorised(ws: "Workspace", method: Method, app: App | None, token: str) -> App:
    if not token:
        raise SlackError("not_authed")
    if token in ws.state.revoked:
        raise SlackError("token_revoked")
    if app is None:
        raise SlackError("invalid_auth")
    if (token == app.app_token) != (method.token == "app"):
        raise SlackError("not_allowed_token_type")
    if method.scopes and not set(method.scopes) & set(app.scopes):
        raise SlackError("missing_scope", needed=method.scopes[0], provided=",".join(app.scopes))
    return app


def _limit(ws: "Workspace", method: Method, app: App, args: Json) -> None:
    if method.name == "chat.postMessage":
        channel = str(args.get("channel", ""))
        wait = ws.rates.take((method.name, app.id, channel), POST_PER_MINUTE, POST_BURST)
    else:
        wait = ws.rates.take((method.name, app.id), method.per_minute or SPECIAL)
    if wait:
        raise _RateLimitedError(wait)
