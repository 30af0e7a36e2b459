"""The four operations: what arguments they take, and what desired state they lead to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from demo.shop.supervisor.desired import Desired, Histories

MAX_WORKERS = 16
MAX_TIMEOUT_MS = 60_000


class BadArgumentsError(Exception):
    """The arguments make no sense for this service; nothing was done."""


Arguments = dict[str, Any]


def _restart(desired: Desired, histories: Histories, arguments: Arguments) -> Desired:
    return replace(desired, restart_generation=desired.restart_generation + 1)


def _rollback(desired: Desired, histories: Histories, arguments: Arguments) -> Desired:
    version = arguments["to_version"]
    if not isinstance(version, str) or version not in histories.versions():
        raise BadArgumentsError(f"version {version!r} was never deployed")
    if version == desired.version:
        raise BadArgumentsError(f"version {version} is the one that runs")
    return replace(desired, version=version)


def _scale(desired: Desired, histories: Histories, arguments: Arguments) -> Desired:
    workers = arguments["workers"]
    if not isinstance(workers, int) or isinstance(workers, bool) or not 1 <= workers <= MAX_WORKERS:
        raise BadArgumentsError(f"workers must be a whole number from 1 to {MAX_WORKERS}")
    return replace(desired, workers=workers)


def _config(desired: Desired, histories: Histories, arguments: Arguments) -> Desired:
    key, value = arguments["key"], arguments["value"]
    if not isinstance(key, str) or key not in desired.config:
        raise BadArgumentsError(f"there is no setting {key!r}; known: {', '.join(sorted(desired.config))}")
    expected = type(desired.config[key])
    if type(value) is not expected:  # a bool is an int to isinstance
        raise BadArgumentsError(f"{key} must be of type {expected.__name__}")
    if type(value) is int and not 1 <= value <= MAX_TIMEOUT_MS:
        raise BadArgumentsError(f"{key} must be from 1 to {MAX_TIMEOUT_MS}")
    return replace(desired, config={**desired.config, key: value})


Plan = Callable[[Desired, Histories, Arguments], Desired]
OPERATIONS: dict[str, tuple[tuple[str, ...], Plan]] = {
    "restart": ((), _restart),
    "rollback": (("to_version",), _rollback),
    "scale": (("workers",), _scale),
    "config": (("key", "value"), _config),
}


def pick_arguments(operation: str, body: dict[str, Any]) -> Arguments:
    """The operation's own arguments out of a request body. Raises BadArgumentsError for one that is missing."""
    names, _ = OPERATIONS[operation]
    missing = [name for name in names if name not in body]
    if missing:
        raise BadArgumentsError(f"missing: {', '.join(missing)}")
    return {name: body[name] for name in names}


def plan(operation: str, desired: Desired, histories: Histories, arguments: Arguments) -> Desired:
    """The desired state after the operation; changes nothing. Raises BadArgumentsError."""
    return OPERATIONS[operation][1](desired, histories, arguments)
