"""What the supervisor's four changes have in common, so that each tool's file only says what is its own."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import JsonValue

from core.tool_call import ToolCall, ToolResult
from tools.secrets import SecretFilter
from tools.spec import ActArguments, Action, OutcomeUnknownError, Preview, Stamp
from tools.supervisor.client import Json, SupervisorClient

TIMEOUT = 25.0  # a polite stop (4 s), a firm one, and a start that may take 15 s
_MAX_CHANGES = 6
A = TypeVar("A", bound=ActArguments)


def build_action(
    client: SupervisorClient,
    operation: str,
    *,
    impact: str,
    precondition: Callable[[A, Preview], Json],
    rollback: Callable[[A, Preview], ToolCall | None],
) -> Action[A]:
    """Return the action of one operation; the resource version is part of every precondition."""

    async def dry_run(args: A) -> Preview:
        return await client.dry_run(args.service, operation, _own(args))

    def full_precondition(args: A, preview: Preview) -> Json:
        return {"resource_version": preview.resource_version, **precondition(args, preview)}

    async def run(args: A, stamp: Stamp) -> ToolResult:
        row = await client.act(args.service, operation, _own(args), stamp, TIMEOUT)
        return _result(operation, args, row, client.secrets)

    async def read_back(args: A, action_id: str) -> ToolResult | None:
        row = await client.action(action_id)
        return None if row is None else _result(operation, args, row, client.secrets)

    return Action(
        impact=impact,
        dry_run=dry_run,
        precondition=full_precondition,
        rollback=rollback,
        run=run,
        read_back=read_back,
    )


def _own(args: ActArguments) -> Json:
    return args.model_dump(mode="json", exclude={"service"})


def _result(operation: str, args: ActArguments, row: Json, secrets: SecretFilter) -> ToolResult:
    """Return the result that a ledger row stands for; OutcomeUnknownError when the row is about something else."""
    if (row.get("service"), row.get("operation"), row.get("args")) != (args.service, operation, _own(args)):
        raise OutcomeUnknownError(
            f"the supervisor's ledger has another operation under {str(row.get('action_id'))[:80]}"
        )
    if row.get("status", "done") != "done":
        raise OutcomeUnknownError(f"the supervisor says that {operation} is {str(row['status'])[:40]}")
    before, after = secrets.json(row.get("before")), secrets.json(row.get("after"))  # before it is put into words
    return ToolResult(
        status="ok",
        text=f"{operation} of {args.service} is done: {describe(before, after)}",
        data={
            "action_id": row.get("action_id"),
            "at": row.get("at"),
            "resource_version": row.get("resource_version"),
            "before": before,
            "after": after,
        },
    )


def describe(before: JsonValue, after: JsonValue) -> str:
    """Return what differs between two states, as `workers 4 -> 8, config.limit 5 -> 9`."""
    old, new = _flat(before), _flat(after)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    shown = [f"{name} {_short(old.get(name))} -> {_short(new.get(name))}" for name in names[:_MAX_CHANGES]]
    more = [f"and {len(names) - _MAX_CHANGES} more"] if len(names) > _MAX_CHANGES else []
    return ", ".join([*shown, *more]) or "nothing differs"


def _flat(value: JsonValue, prefix: str = "") -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        return {prefix: value} if prefix else {}
    flat: dict[str, JsonValue] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{prefix}.{name}" if prefix else name)
    return flat


def _short(value: JsonValue) -> str:
    return "none" if value is None else str(value)[:60]
