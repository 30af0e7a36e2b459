"""A tool's arguments as fields that a person can fill in: read off the JSON schema of its arguments model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import JsonValue

from core.exact_call import is_invisible, visible_json

Schema = Mapping[str, Any]
Kind = Literal["text", "integer", "number", "choice", "json", "kept"]

MAX_TEXT = 3000
"""Characters that one input of Slack's holds."""

_MAX_OPTION, _MAX_OPTIONS = 75, 10_000
_NOT_JSON = 'This is not JSON. Write text in double quotes, like "abc"; numbers, true, false and null stand alone.'


@dataclass(frozen=True, slots=True)
class Field:
    """One argument. `kept` is one that no input can hold: it stays as it is. `choices` are whole JSON values;
    `required` is False where leaving it out means the tool's own default."""

    name: str
    kind: Kind
    value: JsonValue
    given: bool
    required: bool = True
    description: str = ""
    choices: tuple[JsonValue, ...] = ()
    least: float | None = None
    most: float | None = None
    min_length: int = 0
    max_length: int = MAX_TEXT


def fields_of(schema: Schema, args: Mapping[str, JsonValue]) -> list[Field]:
    """Return the fields of a schema in its order, each with its present value."""
    properties: Mapping[str, Schema] = schema.get("properties") or {}
    required = set(schema.get("required") or ())
    return [
        _field(name, _plain(about, schema.get("$defs") or {}), args, name in required)
        for name, about in properties.items()
    ]


def _field(name: str, about: Schema, args: Mapping[str, JsonValue], required: bool) -> Field:
    value = args.get(name)
    kind = _kind(about)
    if kind == "text" and not _typable(value, name in args):
        kind = "json"
    if kind == "json" and name in args and len(visible_json(value)) > MAX_TEXT:
        kind = "kept"
    return Field(
        name=name,
        kind=kind,
        value=value,
        given=name in args and not (value is None and not required),
        required=required and not (kind == "text" and value == ""),
        description=str(about.get("description") or ""),
        choices=_choices(about) if kind == "choice" else (),
        least=about.get("minimum"),
        most=about.get("maximum"),
        min_length=min(int(about.get("minLength", 0)), MAX_TEXT),
        max_length=max(1, min(int(about.get("maxLength", MAX_TEXT)), MAX_TEXT)),
    )


def _plain(about: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema without a reference, and without the null of an optional argument."""
    if isinstance(name := about.get("$ref"), str):
        found = definitions.get(name.removeprefix("#/$defs/"), {})
        about = {**found, **{key: value for key, value in about.items() if key != "$ref"}}
    either = [part for part in about.get("anyOf") or () if part.get("type") != "null"]
    if len(either) == 1:
        rest = {key: value for key, value in about.items() if key != "anyOf"}
        return _plain({**either[0], **rest}, definitions)
    return about


def _kind(about: Schema) -> Kind:
    choices = _choices(about)
    if choices and len(choices) <= _MAX_OPTIONS and all(len(label_of(each)) <= _MAX_OPTION for each in choices):
        return "choice"
    match about.get("type"):
        case "string" if not choices:
            return "text"
        case "integer" | "number" as kind if "exclusiveMinimum" not in about and "exclusiveMaximum" not in about:
            return kind
        case _:
            return "json"


def _choices(about: Schema) -> tuple[JsonValue, ...]:
    if about.get("type") == "boolean":
        return (True, False)
    if "const" in about:
        return (about["const"],)
    return tuple(about.get("enum") or ())


def label_of(choice: JsonValue) -> str:
    """Return how a choice is shown: plain words as they are, everything else as JSON."""
    return choice if isinstance(choice, str) and _readable(choice) else visible_json(choice)


def _readable(text: str) -> bool:
    return text == text.strip() != "" and not any(is_invisible(char) for char in text)


def _typable(value: JsonValue, given: bool) -> bool:
    """True when an input of one line holds the value and gives it back as it was."""
    if not given or value is None or value == "":
        return True
    return isinstance(value, str) and _readable(value) and len(value) <= MAX_TEXT


def read(fields: Sequence[Field], typed: Mapping[str, str | None]) -> tuple[dict[str, JsonValue], dict[str, str]]:
    """Return the arguments that were typed, and what is wrong with which. `typed` has a text (for a choice its JSON) or
    None for every field but the kept ones; what nobody typed into an optional field is left out."""
    args, faults = dict[str, JsonValue](), dict[str, str]()
    for field in fields:
        text = typed.get(field.name)
        if field.kind == "kept":
            args[field.name] = field.value
        elif text is None or (text == "" and field.kind != "text"):
            if field.kind == "text" and (field.required or field.value == ""):
                args[field.name] = ""
            elif field.required:
                faults[field.name] = "This is needed."
        else:
            try:
                args[field.name] = _value(field, text)
            except ValueError as error:
                faults[field.name] = str(error)
    return args, faults


def _value(field: Field, text: str) -> JsonValue:
    if field.kind == "text":
        return text
    if field.kind == "integer":
        return _number(text, int, "a whole number")
    if field.kind == "number":
        value = _number(text, float, "a number")
        return int(value) if isinstance(field.value, int) and value.is_integer() else value
    value = _json(text)
    if field.kind == "choice" and not any(value == each and type(value) is type(each) for each in field.choices):
        raise ValueError("This is not one of the choices.")
    return value


def _number(text: str, kind: type[Any], wanted: str) -> Any:
    try:
        value = kind(text.strip())
    except ValueError:
        raise ValueError(f"This has to be {wanted}.") from None
    if value in (float("inf"), float("-inf")) or value != value:
        raise ValueError(f"This has to be {wanted}.")
    return value


def _json(text: str) -> JsonValue:
    def refuse(word: str) -> JsonValue:
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise ValueError(_NOT_JSON) from None
