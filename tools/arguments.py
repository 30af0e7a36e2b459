"""A proposed call's arguments, accepted or refused with a sentence that says what is accepted."""

from typing import Any

from pydantic import JsonValue, ValidationError

from core.errors import ToolArgumentsError
from core.tool_call import ToolCall, canonical_json
from tools.environment import Environment
from tools.spec import Arguments, ServiceArguments, ToolSpec

MAX_BYTES = 48 * 1024  # of canonical JSON: ten thousand bytes of any text, however many escapes it takes


def accept(spec: ToolSpec[Any], call: ToolCall, environment: Environment) -> Arguments:
    """Return the validated arguments; ToolArgumentsError for wrong, too many, too large or secret-bearing ones."""
    _check_size(spec, call)
    if environment.secrets.json(call.args) != call.args:
        raise ToolArgumentsError(
            f"`{spec.name}` got an argument that looks like a secret; secrets do not belong there."
        )
    try:
        args: Arguments = spec.args.model_validate(call.args)
    except (ValidationError, RecursionError) as error:
        raise ToolArgumentsError(_explain(spec, error)) from error
    if isinstance(args, ServiceArguments):
        environment.service(args.service)
    return args


def _check_size(spec: ToolSpec[Any], call: ToolCall) -> None:
    try:
        size = len(canonical_json(call.args))
    except (ValueError, RecursionError) as error:
        raise ToolArgumentsError(f"`{spec.name}` got arguments that are not JSON.") from error
    if size > MAX_BYTES:
        raise ToolArgumentsError(f"`{spec.name}` got {size} bytes of arguments; at most {MAX_BYTES} are accepted.")


def _explain(spec: ToolSpec[Any], error: ValidationError | RecursionError) -> str:
    accepted = ", ".join(_field(name, schema) for name, schema in _fields(spec).items()) or "no arguments"
    if isinstance(error, RecursionError):
        return f"`{spec.name}` got arguments that are nested too deeply. Accepted: {accepted}."
    first = error.errors(include_url=False, include_context=False)[0]
    where = str(first["loc"][0])[:64] if first["loc"] else "arguments"
    return f"`{spec.name}` does not accept {where}: {first['msg'][:200]}. Accepted: {accepted}."


def _fields(spec: ToolSpec[Any]) -> dict[str, dict[str, JsonValue]]:
    return spec.args.model_json_schema().get("properties", {})


def _field(name: str, schema: dict[str, JsonValue]) -> str:
    kind = schema.get("type") or "string, number or boolean"
    bounds = f" {schema['minimum']} to {schema['maximum']}" if "minimum" in schema and "maximum" in schema else ""
    choice = f" out of {schema['enum']}" if "enum" in schema else ""
    optional = f" (default {schema['default']!r})" if "default" in schema else ""
    return f"{name} ({kind}{bounds}{choice}){optional}"
