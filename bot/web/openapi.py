"""The API described for machines (OpenAPI 3.1), out of the models that check it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.api_models import (
    AskBody,
    OpenRequestsAnswer,
    ProblemAnswer,
    RequestAnswer,
    TakenAnswer,
    UnwrittenAnswer,
    VoteBody,
)
from bot.ingress.message_signatures import ACCEPTED
from bot.web.problems import MEDIA_TYPE


class Operation(NamedTuple):
    """One method at one address: its body, and what it answers when all goes well."""

    method: str
    path: str
    name: str
    summary: str
    body: type[BaseModel] | None
    answers: dict[int, Sequence[type[BaseModel]]]
    refusals: tuple[int, ...]


_ALWAYS = (401, 413, 415, 429, 503)
OPERATIONS = (
    Operation(
        "post", "/api/requests", "ask", "Ask for a tool call to be countersigned.",
        AskBody, {202: (TakenAnswer,)}, (400, 403, 422),
    ),
    Operation(
        "get", "/api/requests", "list_open", "Read what waits for votes.",
        None, {200: (OpenRequestsAnswer,)}, (403,),
    ),
    Operation(
        "get", "/api/requests/{id}", "read", "Read one request.",
        None, {200: (RequestAnswer, UnwrittenAnswer)}, (403, 404),
    ),
    Operation(
        "post", "/api/requests/{id}/votes", "vote", "Hand in the word of one person.",
        VoteBody, {200: (RequestAnswer,), 202: (TakenAnswer,)}, (400, 403, 404, 409, 422),
    ),
)  # fmt: skip
_WORDS = {200: "As it stands now.", 202: "Kept; read the request to see what becomes of it."}


def build_document() -> dict[str, Any]:
    """Return the document."""
    used = {ProblemAnswer, *(each.body for each in OPERATIONS if each.body)}
    used |= {model for each in OPERATIONS for models in each.answers.values() for model in models}
    named = sorted(used, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation" if model.__name__.endswith("Body") else "serialization") for model in named],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _described(each)
    signature = {"type": "apiKey", "in": "header", "name": "Signature", "description": f"RFC 9421: {ACCEPTED}"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Watchkeeper", "version": "1", "description": "Ask, read and vote; see docs/api.md."},
        "security": [{"signature": []}],
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": {"signature": signature}},
    }


def _described(each: Operation) -> dict[str, Any]:
    parameters = [_parameter("id", "path", "The request's id.")] if "{id}" in each.path else []
    if each.body is not None:
        said = "The same key and body again are answered the same for a day; another body is refused."
        parameters.append(_parameter("Idempotency-Key", "header", said))
    told = {str(status): _answer(_WORDS[status], *models) for status, models in each.answers.items()}
    told |= {str(status): _problem() for status in sorted((*each.refusals, *_ALWAYS))}
    described: dict[str, Any] = {"operationId": each.name, "summary": each.summary, "responses": told}
    if parameters:
        described["parameters"] = parameters
    if each.body is not None:
        described["requestBody"] = {"required": True, "content": _content("application/json", each.body)}
    return described


def _parameter(name: str, place: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 128}
    return {"name": name, "in": place, "required": place == "path", "description": description, "schema": schema}


def _answer(description: str, *models: type[BaseModel]) -> dict[str, Any]:
    return {"description": description, "content": _content("application/json", *models)}


def _problem() -> dict[str, Any]:
    return {"description": "Refused; `detail` says what to do.", "content": _content(MEDIA_TYPE, ProblemAnswer)}


def _content(media_type: str, *models: type[BaseModel]) -> dict[str, Any]:
    refs = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    return {media_type: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
