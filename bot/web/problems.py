"""Errors of the API as application/problem+json (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.api_models import ApiAnswer
from bot.api_problems import problem

PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
_WORDS = {
    400: "unreadable", 401: "unsigned", 404: "not-found", 405: "method", 408: "slow", 409: "key-reused",
    413: "too-large", 415: "compressed", 422: "wrong-body", 429: "too-often", 500: "internal", 503: "unavailable",
}  # fmt: skip
_SENTENCES = {
    404: "There is nothing at this address: docs/api.md and /api/openapi.json list what there is.",
    405: "This address knows other methods: docs/api.md and /api/openapi.json list them.",
    500: "Something went wrong here; it is in the log. Send it again under the same Idempotency-Key, signed anew.",
}


def problem_response(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return the response for an error of HTTP's own kind."""
    said = _SENTENCES.get(status, "") if detail in ("", HTTPStatus(status).phrase) else detail
    told = problem(status, _WORDS.get(status, "refused"), said or HTTPStatus(status).phrase)
    return _unkept(told.model_dump(), status, headers, MEDIA_TYPE)


def refusal_response(error: HTTPException) -> Response:
    """Return the response for what was raised on the way."""
    return problem_response(error.status_code, error.detail, error.headers)


def answer_response(answer: ApiAnswer, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response for what the worker answered."""
    media_type = MEDIA_TYPE if answer.status >= 400 else "application/json"
    return _unkept(answer.body, answer.status, headers, media_type)


def _unkept(body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None, media_type: str) -> Response:
    # A cache on the way knows nothing of signatures, and would hand the answer to whoever asks next.
    told = {**(headers or {}), "Cache-Control": "no-store"}
    return Response(json.dumps(body), status, headers=told, media_type=media_type)  # ASCII, as ApiAnswer.written
