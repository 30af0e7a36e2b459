"""Conditions of the policy in CEL, the Common Expression Language, through Google's own engine.

An expression is checked against the types below when the policy is read, so that a typing error is found at the start
and not at three in the morning. It can neither loop for ever nor reach anything but what it is given.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from pydantic import JsonValue

from core.policy import Condition, ConditionError

if TYPE_CHECKING:
    from cel_expr_python import cel

_BOOL = "BOOL"


@cache
def _environment() -> "cel.Env":
    # Late: most policies state no condition, and the engine would be a tenth of the web role's memory.
    from cel_expr_python import cel

    return cel.NewEnv(
        variables={
            "tool": cel.Type.STRING,
            "args": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
            "risk": cel.Type.STRING,
            "env": cel.Type.STRING,
            "service": cel.Type.STRING,
            "requester": cel.Type.STRING,
            "groups": cel.Type.List(cel.Type.STRING),
        }
    )


def compile_condition(text: str) -> Condition:
    """Return the condition that an expression states; ConditionError names the fault, with its place, in one line."""
    try:
        expression = _environment().compile(text)
    except RuntimeError as error:
        raise ConditionError(_sentence(str(error))) from error
    if expression.return_type().name() != _BOOL:
        raise ConditionError(f"gives {expression.return_type().name()}, not true or false")

    def condition(facts: Mapping[str, JsonValue]) -> bool:
        try:
            found = expression.eval(data=dict(facts))
        except (RuntimeError, TypeError, ValueError) as error:
            raise ConditionError(_sentence(str(error))) from error
        if found.type().name() != _BOOL:
            raise ConditionError(_sentence(str(found.value())))
        return found.value() is True

    return condition


def _sentence(told: str) -> str:
    # "INVALID_ARGUMENT: ERROR: <input>:1:9: what is wrong" and then the line itself with a mark under it.
    return told.split("\n", 1)[0].removeprefix("INVALID_ARGUMENT: ").replace("ERROR: <input>:", "at ").strip()
