"""What a planned call changes, in a few words: from what to what."""

from pydantic import JsonValue

from core.tool_call import Plan

_NOT_A_STATE = "resource_version"
_SHOWN = 60


def change_of(plan: Plan) -> str:
    """Return the change as `version 1.9.0 → 1.8.3`, its new state alone where the old one is not part of the plan, or
    an empty text for a call that sets nothing. Values are untrusted."""
    args = {name: value for name, value in plan.call.args.items() if name != "service"}
    old = {name: value for name, value in plan.precondition.items() if name != _NOT_A_STATE}
    for name, before in old.items():
        new = args.get(name, args.get(f"to_{name}"))
        if new is not None:
            return f"{args.get('key', name)} {_short(before)} → {_short(new)}"
    return ", ".join(f"{name.removeprefix('to_')} {_short(value)}" for name, value in args.items())


def _short(value: JsonValue) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
