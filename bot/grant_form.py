"""What may be typed to widen a grant: several values, one a line, or a range of numbers; the rest stays exact."""

import json
import re
from typing import NamedTuple

from pydantic import JsonValue, ValidationError

from core.exact_call import is_invisible
from core.standing_grant import Between, OneOf, Shape
from core.tool_call import Plan

MOST_FIELDS = 20
_LONGEST = 300
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"^({_NUMBER})\s*(?:\.\.|to|-|–)\s*({_NUMBER})$")


class GrantField(NamedTuple):
    """An argument that a grant may let vary, as it stands in the request."""

    name: str
    value: str | int | float


def fields_of(plan: Plan) -> list[GrantField]:
    """Return the arguments that may vary: short texts and numbers, but never the target's own name."""
    found: list[GrantField] = []
    for name, value in sorted(plan.call.args.items()):
        if isinstance(value, bool) or value == plan.service or not isinstance(value, str | int | float):
            continue
        if not (_typable(value) if isinstance(value, str) else re.fullmatch(_NUMBER, str(value))):
            continue
        found.append(GrantField(name, value))
    return found[:MOST_FIELDS]


def shapes_of(plan: Plan, typed: dict[str, str]) -> tuple[dict[str, Shape], dict[str, str]]:
    """Return the shape of every argument, and for each argument whose text makes none what is wrong with it; what was
    not typed stays as it is in the plan."""
    shapes: dict[str, Shape] = {name: OneOf(values=(value,)) for name, value in plan.call.args.items()}
    faults: dict[str, str] = {}
    for field in fields_of(plan):
        if text := typed.get(field.name, "").strip():
            try:
                shapes[field.name] = _shape(text, field.value)
                fault = shapes[field.name].misfit(field.value)
                faults |= {field.name: f"The value of this request does not fit: it {fault}."} if fault else {}
            except ValidationError as error:
                faults[field.name] = f"{error.errors()[0]['msg'].removeprefix('Value error, ')}."[:150]
            except ValueError as error:
                faults[field.name] = str(error)[:150]
    return shapes, faults


def _typable(text: str) -> bool:
    plain = text == text.strip() and len(text) <= _LONGEST and not any(map(is_invisible, text))
    return bool(text) and plain and len(text.splitlines()) == 1


def _shape(text: str, value: str | float) -> Shape:
    if isinstance(value, str):
        return OneOf(values=tuple(line.strip() for line in text.splitlines() if line.strip()))
    if found := _RANGE.match(text):
        return Between(low=_number(found[1], value), high=_number(found[2], value))
    return OneOf(values=tuple(_number(line.strip(), value) for line in text.splitlines() if line.strip()))


def _number(text: str, like: float) -> int | float:
    if not re.fullmatch(_NUMBER, text):
        raise ValueError(f"“{text[:40]}” is no number; write one a line, or a range as 2 to 8.")
    number: JsonValue = json.loads(text) if not re.match(r"-?0\d", text) else None
    if isinstance(like, int) and isinstance(number, int):
        return number
    if isinstance(like, float) and isinstance(number, int | float):
        return float(number)
    raise ValueError(f"“{text[:40]}” is no {'whole ' if isinstance(like, int) else ''}number.")
