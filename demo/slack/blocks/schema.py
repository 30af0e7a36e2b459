"""Small checks that combine into the rules of Block Kit; each gives sentences with JSON pointers."""

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], list[str]]


def problem(sentence: str, pointer: str) -> str:
    """The form of Slack's block errors."""
    return f"{sentence} [json-pointer:{pointer}]"


def string(maximum: int, minimum: int = 1) -> Check:
    """A string of `minimum` to `maximum` characters."""

    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, str):
            return [problem("must provide a string", pointer)]
        if len(value) < minimum:
            return [problem(f"must be more than {minimum - 1} characters", pointer)]
        if len(value) > maximum:
            return [problem(f"must be less than {maximum + 1} characters", pointer)]
        return []

    return check


def kind(*types: type) -> Check:
    """A value of one of the JSON types."""

    def check(value: Any, pointer: str) -> list[str]:
        right = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        return [] if right else [problem(f"must provide a {_NAMES[types[0]]}", pointer)]

    return check


_NAMES = {bool: "boolean", int: "number", str: "string", dict: "object", list: "array"}


def anything(value: Any, pointer: str) -> list[str]:
    """Any JSON value."""
    return []


flag = kind(bool)
number = kind(int, float)
mapping = kind(dict)


def one_of(*values: str) -> Check:
    """One of the given strings."""

    def check(value: Any, pointer: str) -> list[str]:
        return [] if value in values else [problem(f"must be one of [{', '.join(values)}]", pointer)]

    return check


def items(check_item: Check, maximum: int, minimum: int = 1) -> Check:
    """An array of `minimum` to `maximum` items."""

    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, list):
            return [problem("must provide an array", pointer)]
        if len(value) > maximum:
            return [problem(f"no more than {maximum} items allowed", pointer)]
        if len(value) < minimum:
            return [problem(f"no fewer than {minimum} items allowed", pointer)]
        return [p for i, item in enumerate(value) for p in check_item(item, f"{pointer}/{i}")]

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no others (`type` is always allowed)."""
    fields = {"type": anything, **required, **(optional or {})}

    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, dict):
            return [problem("must provide an object", pointer)]
        found = [problem(f"missing required field: {name}", pointer) for name in required if value.get(name) is None]
        for name, content in value.items():
            if name not in fields:
                found.append(problem(f"invalid additional property: {name}", pointer))
            elif content is not None:
                found += fields[name](content, f"{pointer}/{name}")
        return found

    return check


def typed(variants: Mapping[str, Check]) -> Check:
    """An object whose `type` chooses the rule."""

    def check(value: Any, pointer: str) -> list[str]:
        if not isinstance(value, dict):
            return [problem("must provide an object", pointer)]
        if "type" not in value:
            return [problem("missing required field: type", pointer)]
        rule = variants.get(value["type"]) if isinstance(value["type"], str) else None
        if rule is None:
            return [problem(f"unsupported type: {value['type']}", f"{pointer}/type")]
        return rule(value, pointer)

    return check


def both(*checks: Check) -> Check:
    """Every rule must hold."""

    def check(value: Any, pointer: str) -> list[str]:
        return [p for one in checks for p in one(value, pointer)]

    return check


def text(maximum: int, *kinds: str, minimum: int = 1) -> Check:
    """A text object: mrkdwn or plain_text unless `kinds` says less."""
    body: dict[str, Check] = {"text": string(maximum, minimum)}
    rules = {
        "plain_text": record(body, {"emoji": flag}),
        "mrkdwn": record(body, {"verbatim": flag}),
    }
    return typed({k: rules[k] for k in kinds or rules})


def plain(maximum: int) -> Check:
    """A plain_text object."""
    return text(maximum, "plain_text")
